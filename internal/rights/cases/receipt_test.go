package cases

import (
	"slices"
	"testing"
	"time"

	"thimble"
)

func TestOnlyWhatThePersonOrTheirAgentReadsConfirmsAtOnce(t *testing.T) {
	for _, v := range Vias() {
		got := Receipt{By: day.AddDate(0, 0, 10)}.Confirmed(v, day).At
		if want := slices.Contains([]Via{Centre, Guardian, Controller, Registered, Chain}, v); got.IsZero() == want {
			t.Errorf("by %s it was confirmed at %s", v, got)
		}
	}
	c := Case{Subject: thimble.SubjectID{1}, Via: System, State: Awaiting, Receipt: Receipt{By: day}}
	nobodys := c
	nobodys.Subject = thimble.SubjectID{}
	if c.Unconfirmed(day.Add(-time.Second)) || !c.Unconfirmed(day) || nobodys.Unconfirmed(day) {
		t.Error("who was named by a system of the shop is not late to be told, or nobody is")
	}
	if nobodys.Via = Mail; !nobodys.Unconfirmed(day) {
		t.Error("who wrote, and is not known, is not to be told")
	}
}
