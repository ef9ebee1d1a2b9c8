package segment

import (
	"testing"
	"time"

	"thimble/internal/consent/signal"
)

// Package signal is the one that reads what is handed out here.
func TestConsentIsHandedOutAsTheSignalsTakeIt(t *testing.T) {
	r := NewReader(compiled(t))
	b := read(t, r, Batch, `{"context":{"consent":{"usp":"1YYN"}},"batch":[{"type":"page","userId":"u","context":{"consent":{
		"categoryPreferences":{"Analytics":true,"Adver\u0074ising":false},"google":{"analytics_storage":"granted","ad_storage":"denied"},"gpp":"broken","tcf":"also broken"}}}]}`)
	s := b.Events[0].Signals
	options := signal.Options{Now: time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)}
	allows := func(r signal.Reading) (yes, no int) {
		if r.Refused != nil {
			t.Fatalf("%s is refused: %+v", r.Source, *r.Refused)
		}
		for _, l := range r.Lines {
			if l.Allows {
				yes++
			} else {
				no++
			}
		}
		return yes, no
	}
	if yes, no := allows(signal.Segment(b.Bytes(s.Consent), signal.DefaultCategories())); yes != 1 || no == 0 {
		t.Errorf("Segment's object allows %d and denies %d, want one and the others", yes, no)
	}
	if yes, no := allows(signal.Google(b.Bytes(s.Google))); yes != 1 || no == 0 {
		t.Errorf("Google's states allow %d and deny %d, want one and the others", yes, no)
	}
	if yes, no := allows(signal.USP(string(b.Bytes(b.Shared.USP)))); yes != 0 || no == 0 {
		t.Errorf("the shared string allows %d and denies %d, want an opt-out", yes, no)
	}
	for _, reading := range []signal.Reading{signal.GPP(string(b.Bytes(s.GPP)), options), signal.TCF(string(b.Bytes(s.TCF)), options)} {
		if reading.Refused == nil {
			t.Errorf("%s: a broken string is not refused", reading.Source)
		}
	}
}

func TestNoConsentIsAbsentAndNotEmpty(t *testing.T) {
	r := NewReader(compiled(t))
	b := read(t, r, Batch, `{"batch":[{"type":"page","userId":"u"},{"type":"page","userId":"u","context":{"consent":null}},{"type":"page","userId":"u","context":{"consent":{}}}]}`)
	for i, want := range []bool{true, true, false} {
		if got := b.Events[i].Signals.Consent.Absent(); got != want {
			t.Errorf("event %d: the consent is absent: %t, want %t", i, got, want)
		}
	}
}
