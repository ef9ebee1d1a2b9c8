package ledgerweb

import (
	"fmt"
	"strings"

	"thimble/internal/ledger/ledgerdb"
	"thimble/internal/web"
)

var witnessStates = map[ledgerdb.WitnessState]web.Badge{
	ledgerdb.Unasked:  {Text: "not asked yet"},
	ledgerdb.Cosigned: {Text: "cosigns", Tone: web.Good},
	ledgerdb.Absent:   {Text: "does not answer", Tone: web.Warn},
	ledgerdb.Stranger: {Text: "does not know this log", Tone: web.Warn},
	ledgerdb.Refused:  {Text: "refuses", Tone: web.Bad},
}

func withState(all []ledgerdb.WitnessStatus, state ledgerdb.WitnessState) (names []string) {
	for _, w := range all {
		if w.State == state {
			names = append(names, w.Name)
		}
	}
	return names
}

func witnessStat(all []ledgerdb.WitnessStatus, behind int64) web.Stat {
	note := "the published checkpoint has every entry"
	if behind > 0 {
		note = web.Plural(int(behind), "entry", "entries") + " not in the published checkpoint yet"
	}
	return web.Stat{Label: "Witnesses", Value: fmt.Sprintf("%d of %d", len(withState(all, ledgerdb.Cosigned)), len(all)), Unit: "cosign", Note: note}
}

// witnessAlarm is what a refusal means, or nothing.
func witnessAlarm(all []ledgerdb.WitnessStatus) *web.Callout {
	names := withState(all, ledgerdb.Refused)
	if len(names) == 0 {
		return nil
	}
	return &web.Callout{Tone: web.Bad, Title: "A witness refuses this log", Text: strings.Join(names, ", ") +
		" has seen another history of it. After a restore from a backup, begin a new epoch of the log. " +
		"If nothing was restored, somebody changed the log or uses its key: stop the server, keep the database as it is, and compare with the checkpoint that the witness keeps."}
}

// witnessTable lists the witnesses; nil when none is configured, because a log without
// witnesses is complete in itself.
func witnessTable(all []ledgerdb.WitnessStatus) *web.Table {
	if len(all) == 0 {
		return nil
	}
	t := &web.Table{ID: "witnesses", Caption: "Witnesses", Note: "Each keeps the last checkpoint it saw and cosigns only what extends it.",
		Columns: []web.Column{{Label: "Witness"}, {Label: "State"}, {Label: "Cosigned entries", Kind: web.NumberColumn}, {Label: "So since", Secondary: true}, {Label: "Last asked", Secondary: true}}}
	for _, w := range all {
		row := web.Row{Cells: []web.Cell{{Value: w.Name, Sub: w.Key.Name()}, {Value: witnessStates[w.State], Sub: witnessCause(w)}, {Value: w.Size}, {Value: "never"}, {Value: "never"}}}
		if !w.Asked.IsZero() {
			row.Cells[3].Value, row.Cells[4].Value = w.Since, w.Asked
		}
		if w.State == ledgerdb.Refused {
			row.Tone = web.Bad
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// witnessCause says what to do; the journal has the cause itself.
func witnessCause(w ledgerdb.WitnessStatus) string {
	switch w.State {
	case ledgerdb.Stranger:
		return "send its operator this log's verifier key"
	case ledgerdb.Absent:
		return "it is asked again within a minute"
	}
	return ""
}
