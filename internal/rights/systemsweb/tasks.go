package systemsweb

import (
	"time"

	"thimble"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/systems"
	"thimble/internal/web"
)

var badges = map[systems.State]web.Badge{
	systems.ToTell: {Text: "Is to be told", Tone: web.Info}, systems.Told: {Text: "Was told", Tone: web.Info}, systems.Acknowledged: {Text: "Said that it will", Tone: web.Info},
	systems.Overdue: {Text: "Late", Tone: web.Bad}, systems.Vanished: {Text: "Not reached", Tone: web.Bad}, systems.Refused: {Text: "Refused", Tone: web.Bad},
	systems.Done: {Text: "Done", Tone: web.Good}, systems.ByHand: {Text: "Done by hand", Tone: web.Good}, systems.CalledOff: {Text: "Called off"},
}

// Badge says where a task stands.
func Badge(t systems.Task) web.Badge {
	if t.Means == systems.Person && t.State == systems.ToTell {
		return web.Badge{Text: "Waits for somebody", Tone: web.Warn}
	}
	return badges[t.State]
}

// WordOf is what a step of a case says of a state.
func WordOf(state string) string { return badges[systems.State(state)].Text }

// Because says why a task stands there, in plain words; "" when there is nothing to say.
func Because(t systems.Task) string {
	switch {
	case t.Why == string(systems.NoIdentifier):
		return "nothing is held that the system knows the person by"
	case systems.Reasons()[systems.Reason(t.Why)] != "":
		return systems.Reasons()[systems.Reason(t.Why)]
	case t.Why == "system-ended":
		return "it was stated to hold nothing any more"
	}
	return t.Why
}

// TaskTable lists what is open, the one due first before the others.
func TaskTable(all []systems.Task, names map[thimble.ID]string, now time.Time) web.Table {
	t := web.Table{ID: "tasks", Caption: "What is open", Columns: []web.Column{{Label: "System"}, {Label: "Asked for"}, {Label: "State"}, {Label: "Due before"}, {Label: "Tries", Kind: web.NumberColumn, Secondary: true}},
		Empty: &web.Empty{Icon: "check", Title: "Nothing is open", Text: "What people ask for and a system has not done yet appears here."}}
	for _, task := range all {
		row := web.Row{Href: casePath + "/" + task.Case.Token(cases.TokenPrefix), Cells: web.Cells(names[task.System], task.Kind.Words(), Badge(task), task.Due, task.Tries)}
		if task.State.Late() {
			row.Tone = web.Bad
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}
