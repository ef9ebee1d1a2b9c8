package decision

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"thimble"
)

func record(t *rapid.T) Record {
	r := Record{V: 1, Capability: "recommend", Subject: thimble.SubjectID{1}, At: time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC),
		Model:  Model{Name: "items", Version: 3, SHA256: "00112233445566778899"},
		Inputs: []Input{{Category: thimble.PurchaseHistory, Purpose: thimble.PersonalizeContent, Basis: "consent", Count: 2}}}
	score := int64(1 << 40)
	for range rapid.IntRange(1, 5).Draw(t, "results") {
		score -= rapid.Int64Range(0, 1<<20).Draw(t, "step")
		first := rapid.Int64Range(-1<<30, 1<<30).Draw(t, "share")
		r.Results = append(r.Results, Result{Item: "i", Score: score, Terms: []Term{{Because: "a", Share: first}, {Because: "b", Share: score - first}}})
	}
	return r
}

func TestRecordComesBackAndAddsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := record(t)
		b, err := want.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		got, err := Unmarshal(b)
		if err != nil || cmp.Diff(want, got) != "" {
			t.Fatalf("Unmarshal: %v\n%s", err, cmp.Diff(want, got))
		}
	})
}

func TestRecordThatDoesNotAddUpIsRefused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := record(t)
		res := &r.Results[rapid.IntRange(0, len(r.Results)-1).Draw(t, "which")]
		off := rapid.Int64Range(1, 1<<20).Draw(t, "off")
		if rapid.Bool().Draw(t, "term") {
			res.Terms[0].Share += off
		} else {
			res.Score -= off
		}
		if err := r.Check(); !errors.Is(err, thimble.ErrInvalid) {
			t.Fatalf("Check = %v, want ErrInvalid", err)
		}
	})
}

func TestDigestIsTheHeadOfTheModelsHash(t *testing.T) {
	if got, want := (Model{SHA256: "0011223344556677ff"}).Digest(), [8]byte{0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77}; got != want {
		t.Errorf("got %x, want %x", got, want)
	}
}
