package disclosedb_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"thimble"
	"thimble/internal/disclose"
	"thimble/internal/disclose/disclosedb"
	"thimble/internal/disclose/wire"
	"thimble/internal/holdertest"
)

// right offers a value for every field, and one that no agreement has.
func right(_ context.Context, _ thimble.Grant, _ thimble.ID, _ thimble.SubjectID, _ []disclose.Field) (disclosedb.Amended, error) {
	return disclosedb.Amended{
		Right: []disclose.Row{{"order": disclose.Alias{Kind: "order", Value: "10"}, "secret": "never", "lines": []disclose.Row{{"item": "RIGHT-1", "units": int64(1)}}}},
		Gone:  []disclose.Row{{"order": disclose.Alias{Kind: "order", Value: "11"}}},
	}, nil
}

// A toldLine is what a recipient reads of a correction.
type toldLine struct {
	Person string
	Fields []string
	Right  []map[string]any
	Gone   []map[string]any
}

func (s *shop) lastLine() (head struct {
	Kind, Agreement string
	Purpose         thimble.Purpose
	People          int
}, line toldLine, text string) {
	s.tb.Helper()
	text = string(s.ways.got[len(s.ways.got)-1].Body.Reveal())
	first, rest, _ := strings.Cut(text, "\n")
	s.must(json.Unmarshal([]byte(first), &head))
	s.must(json.Unmarshal([]byte(rest), &line))
	return head, line, text
}

// What a recipient may have is told with a receipt; what it may not have any more, because
// of anything that changed until the moment of sending, is told by the names of the fields.
func TestARecipientIsToldWhatIsRightWhereItMayHaveIt(t *testing.T) {
	holdertest.Each(t, func(t *testing.T, k *holdertest.Kernel) {
		s := newShop(t, k, disclosedb.Config{})
		for _, tc := range []struct {
			name   string
			before func(s *shop, to thimble.ID, who thimble.SubjectID) // it is queued
			after  func(s *shop, to thimble.ID, who thimble.SubjectID) // and until it is sent
			values bool
		}{
			{name: "nothing changed", values: true},
			{name: "the agreement has ended", before: func(s *shop, to thimble.ID, _ thimble.SubjectID) {
				s.end(to)
			}},
			{name: "the agreement has other fields now", before: func(s *shop, to thimble.ID, _ thimble.SubjectID) {
				s.agree(to, strings.NewReplacer("  - {name: order, category: user.behavior.purchase_history}\n", "", "  - {name: lines, category: user.behavior.purchase_history}\n", "").Replace(current))
			}},
			{name: "the person had the use limited", before: func(s *shop, _ thimble.ID, who thimble.SubjectID) { s.restrict(who, true) }},
			{name: "it has new pseudonyms", before: func(s *shop, to thimble.ID, _ thimble.SubjectID) {
				s.must(s.store.NewPseudonyms(t.Context(), to, "grace", "a reason to do so"))
			}},
			{name: "the person had the use limited while it waited", after: func(s *shop, _ thimble.ID, who thimble.SubjectID) { s.restrict(who, true) }},
			{name: "the agreement ended while it waited", after: func(s *shop, to thimble.ID, _ thimble.SubjectID) {
				s.end(to)
			}},
			{name: "the person was erased while it waited", after: func(s *shop, _ thimble.ID, who thimble.SubjectID) {
				_, err := s.store.Erase(t.Context(), who)
				s.must(err)
			}},
		} {
			t.Run(tc.name, func(t *testing.T) {
				s.ways.got = nil
				to, _ := s.recipient(current)
				ada := k.Person(t)
				s.mustSend(to, ada)
				for s.step() {
				}
				_, sent, _ := strings.Cut(string(s.ways.got[0].Body.Reveal()), `"person":"`)
				pseudonym, _, _ := strings.Cut(sent, `"`)
				if tc.before != nil {
					tc.before(s, to, ada)
				}
				request, err := thimble.NewID(nil)
				s.must(err)
				ctx := thimble.WithCause(t.Context(), request)
				for _, want := range []int{1, 0} { // a crash may have it asked for twice
					if told, err := s.store.Corrected(ctx, []thimble.SubjectID{ada}, thimble.PurchaseHistory, right); err != nil || told != want {
						t.Fatalf("told %d, want %d, %v", told, want, err)
					}
				}
				if tc.after != nil {
					tc.after(s, to, ada)
				}
				s.ways.got = s.ways.got[:1]
				for s.step() {
				}
				s.ways.got = slices.DeleteFunc(s.ways.got, func(m wire.Message) bool { return !strings.Contains(string(m.Body.Reveal()), `"kind":"correct"`) })
				if len(s.ways.got) != 1 {
					t.Fatalf("%d corrections were sent", len(s.ways.got))
				}
				head, line, text := s.lastLine()
				if head.Kind != disclose.CorrectMessage || line.Person != pseudonym || len(line.Fields) != 3 || strings.Contains(text, "never") || strings.Contains(text, ada.String()) {
					t.Errorf("the recipient reads %s", text)
				}
				if got := len(line.Right) == 1 && len(line.Gone) == 1 && strings.Contains(text, "RIGHT-1") && head.People == 1; got != tc.values {
					t.Errorf("values are in it: %t, want %t: %s", got, tc.values, text)
				}
				if !tc.values && (strings.Contains(text, "RIGHT-1") || head.Agreement != "" || head.Purpose != thimble.LegalObligation) {
					t.Errorf("more than the names of fields: %s", text)
				}
				all, err := s.store.Of(t.Context(), ada, 10)
				s.must(err)
				receipts := 0
				for _, d := range all {
					if d.Message.Kind == disclose.CorrectMessage && d.State == disclose.Sent {
						receipts++
					}
				}
				if (receipts == 1) != tc.values {
					t.Errorf("%d entries say that values went, want that: %t", receipts, tc.values)
				}
				for c, err := range s.store.Claims(t.Context()) {
					if err != nil || c.Err != nil || c.Rule != "" {
						t.Errorf("the audit: %+v, %v", c, err)
					}
				}
			})
		}
	})
}

// end ends the agreement that is in force.
func (s *shop) end(to thimble.ID) {
	s.tb.Helper()
	a, err := s.store.InForce(s.tb.Context(), to)
	s.must(err)
	s.must(s.store.End(s.tb.Context(), a.ID, "grace", "it ran out"))
}
