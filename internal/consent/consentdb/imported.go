package consentdb

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"thimble"
	"thimble/internal/consent"
	"thimble/internal/ledger"
	"thimble/internal/sqldb"
)

// Imported is a choice that was made elsewhere, as a file has it.
type Imported struct {
	Purpose thimble.Purpose
	State   consent.State // Given, Refused or Withdrawn
	At      time.Time     // when, by the clock of whoever wrote it down
	Proof   consent.Proof
	From    string // the import's own name, such as imp_…
	Line    int64
	// Others are the other subjects of the same person: what any of them refused counts.
	Others []thimble.SubjectID
}

// An Import says what became of a choice.
type Import string

// What becomes of a choice.
const (
	Taken     Import = "recorded"
	Same      Import = "same"     // it changes nothing
	LaterNo   Import = "later_no" // the person has said no since
	RanOut    Import = "ran_out"  // the consent is over
	ChildsYes Import = "child"    // of a known child
)

// importUI is where the events of imports say that they come from.
const importUI = "import@1"

// importedNotice stands for a text that is not here. It says what is known of it, and has
// no matrix: what a yes under it covers is not known, so that the person may be asked
// again.
func importedNotice(p consent.Proof) consent.Notice {
	return consent.Notice{
		Lang: "und", Version: "imported " + p.Version,
		Text: "This choice was made elsewhere. The text that was shown is not here; its version, as the import says: " + p.Version + "\n",
	}
}

// RecordImported records a choice that was made elsewhere, in the caller's transaction.
// It is marked as imported and carries its proof. It never widens what the person has
// refused since:
//
//   - a no that was recorded here holds against every imported yes, whatever clock is on
//     it; only a yes that is older than no imported no and comes after it in time counts
//     between two choices of imports;
//   - a no that is older than a yes which the person gave here is told and does not end
//     it: they have changed their mind here since;
//   - a consent lives from when it was given, and one that is over is none.
//
// The error is of kind ErrNotFound for somebody who is not there.
func (s *Store) RecordImported(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID, c Imported) (Import, error) {
	yes := c.State == consent.Given
	var own consent.Standing
	for i, of := range append([]thimble.SubjectID{who}, c.Others...) {
		st := consent.Standing{Purpose: c.Purpose}
		if err := s.StandingTx(ctx, tx, of, &st); err != nil {
			return "", err
		}
		claimed, imported, err := s.claimedAt(ctx, tx, of, st)
		if err != nil {
			return "", err
		}
		if yes && st.State.Refuses() && !(imported && c.At.After(claimed)) {
			return LaterNo, nil
		}
		if i > 0 {
			continue
		}
		own = st
		if same := yes && st.State.Permits() && !c.At.After(claimed) || !yes && st.State.Refuses() || !yes && st.State.Permits() && c.At.Before(claimed); same {
			return Same, nil
		}
	}
	if yes && !s.now().Before(c.At.Add(consent.Lives)) {
		return RanOut, nil
	}
	how := How{
		Notice: importedNotice(c.Proof), By: consent.By{Actor: "import", Auth: "none"}, Since: c.At,
		UI: consent.UI{Component: importUI, Path: []string{c.From, fmt.Sprint(c.Line), c.At.UTC().Format(time.RFC3339Nano), c.Proof.Where, c.Proof.Version, c.Proof.Evidence}},
	}
	if yes {
		how.Until = c.At.Add(consent.Lives)
	}
	if yes && own.State.Refuses() {
		how.Since = time.Time{} // both are of imports, and theirs is the order
	}
	_, err := s.RecordTx(ctx, tx, who, []consent.Choice{{Purpose: c.Purpose, State: c.State}}, how)
	if yes && errors.Is(err, thimble.ErrDenied) {
		// Of somebody who is not there any more, or of a child.
		if _, err := s.subjects.Touch(ctx, tx, who); err != nil {
			return "", err
		}
		return ChildsYes, nil
	}
	return Taken, err
}

// claimedAt returns when a standing choice was made: when it was recorded, or for one
// that an import brought, when it was made by the import's own word.
func (s *Store) claimedAt(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID, st consent.Standing) (at time.Time, imported bool, err error) {
	if st.State == "" || st.Seq == 0 {
		return st.At, false, nil
	}
	var body []byte
	if err := tx.QueryRow(ctx, `select body from consent_events where subject_id = $1 and seq = $2`, who, st.Seq).Scan(&body); err != nil {
		return st.At, false, err
	}
	opening, err := ledger.Unseal(ctx, s.vault, cell(who, st.Seq), body)
	if err != nil {
		return st.At, false, err
	}
	e, err := consent.Unmarshal(opening.Record)
	if err != nil || e.UI.Component != importUI || len(e.UI.Path) < 3 || !strings.HasPrefix(e.By.Actor, "import") {
		return st.At, false, err
	}
	at, err = time.Parse(time.RFC3339Nano, e.UI.Path[2])
	return at, err == nil, err
}
