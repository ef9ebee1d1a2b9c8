package app_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/collect"
	"thimble/internal/collect/intake"
	"thimble/internal/collect/segment"
	"thimble/internal/collect/table"
	"thimble/internal/thimbletest"
)

// What was decided not to be kept comes in by no door, is counted, and says since when.
func TestWhatIsNotKeptByDecisionIsRefusedAtTheDoor(t *testing.T) {
	s := thimbletest.New(t)
	s.Subject("ada", thimbletest.Allows(needed(s)...)...)
	sent := 0
	views := func() intake.Taken {
		t.Helper()
		sent++
		body := fmt.Sprintf(`{"batch":[{"type":"track","messageId":"m-%d","userId":"ada","event":"Product Viewed","properties":{"product_id":"SHIRT"}}]}`, sent)
		got, err := s.Intake.Take(t.Context(), intake.Source{Number: 1, Name: "shop", Kind: intake.Server}, segment.Batch, []byte(body), intake.Arrival{At: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	names := func(content string) collect.Report {
		t.Helper()
		return brings(t, s, collect.Customers, map[string]string{"account": "id", "name": "name"}, content)
	}
	if got := views(); got.Kept != 1 {
		t.Fatalf("before the decision: %+v", got)
	}
	if r := names("id,name\nada,Ada\n"); len(r.Withheld) != 0 {
		t.Fatalf("before the decision %v is withheld", r.Withheld)
	}
	schedules(t, s, `{"retention":"thimble.retention/v1","rules":[{"category":"user.behavior","max":"0d","why":"nobody reads it"},
		{"category":"user.name","max":"0d","why":"nobody reads it"},{"category":"user.content.public","max":"0d","why":"nobody reads it"}]}`)

	if got := views(); got.Kept != 0 || got.Dropped[intake.NotKept] != 1 {
		t.Errorf("an event after the decision: %+v", got)
	}
	if err := s.Figures.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if sums, err := s.Figures.Sums(t.Context(), time.Now().Add(-time.Hour)); err != nil || len(sums) != 1 || sums[0].Of(intake.NotKept) != 1 {
		t.Errorf("what came in is counted as %+v, %v", sums, err)
	}
	decided := "not kept: decided on " + time.Now().UTC().Format(time.DateOnly)
	if r := names("id,name\nada,Ada L\n"); len(r.Withheld) != 1 || r.NotKept["user.name"] != decided || r.Written != 1 {
		t.Errorf("names after the decision: withheld %v, %v, %d written", r.Withheld, r.NotKept, r.Written)
	}
	m := table.Mapping{Kind: string(collect.Reviews), Form: table.Plain(), Columns: map[string]string{"item": "item", "rating": "rating", "text": "text"}}
	src := collect.Source{Name: "reviews.csv", Open: func() (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader("item,rating,text\nSHIRT,5,good\n")), nil
	}}
	if _, err := s.Import(t.Context(), collect.Reviews, src, collect.Options{Map: &m}); !errors.Is(err, thimble.ErrDenied) || !strings.Contains(err.Error(), decided) {
		t.Errorf("reviews after the decision: %v", err)
	}
	// Another version without a rule keeps it again; the date is that of the first that refused.
	schedules(t, s, `{"retention":"thimble.retention/v1","rules":[{"category":"user.name","max":"0d","why":"nobody reads it"}]}`)
	if got := views(); got.Kept != 1 {
		t.Errorf("after it is kept again: %+v", got)
	}
	if since, refused := s.Retention.Refusals().Of("user.name"); !refused || time.Since(since) > time.Hour {
		t.Errorf("names: %v, %v", since, refused)
	}
}

// What a law has the shop keep comes in all the same, unless it lies elsewhere.
func TestWhatALawNeedsIsNotRefusedUnlessItLiesElsewhere(t *testing.T) {
	s := thimbletest.New(t)
	nothing := `{"retention":"thimble.retention/v1","rules":[{"category":"user.behavior.purchase_history","max":"0d","why":"the books have them"}]%s}`
	schedules(t, s, fmt.Sprintf(nothing, ""))
	plan, err := s.Retention.Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var records []string
	for _, sched := range plan.Schedules {
		if sched.Category.Within(thimble.PurchaseHistory) {
			for _, f := range sched.Floors {
				records = append(records, f.Record)
			}
		}
	}
	_, refused := s.Retention.Refusals().Of(thimble.PurchaseHistory)
	if refused != (len(records) == 0) {
		t.Errorf("orders are refused: %v, with the laws' records %v", refused, records)
	}
	if len(records) == 0 {
		return
	}
	schedules(t, s, fmt.Sprintf(nothing, `,"kept_elsewhere":["`+strings.Join(unique(records), `","`)+`"]`))
	if _, refused := s.Retention.Refusals().Of(thimble.PurchaseHistory); !refused {
		t.Error("orders whose records lie elsewhere are not refused")
	}
}

func unique(all []string) (few []string) {
	seen := map[string]bool{}
	for _, one := range all {
		if !seen[one] {
			seen[one], few = true, append(few, one)
		}
	}
	return few
}
