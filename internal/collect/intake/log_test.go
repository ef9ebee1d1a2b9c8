package intake_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"thimble"
	"thimble/internal/collect/frame"
	"thimble/internal/collect/framedb"
	"thimble/internal/collect/intake"
	"thimble/internal/consent"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
	"thimble/internal/subject"
)

func TestWhatIsKeptIsReadBackFromTheLogAndMergesIntoTheEvent(t *testing.T) {
	sqldbtest.Each(t, sqldb.Log, func(t *testing.T, db *sqldb.DB) {
		log, err := framedb.Open(ctx, db, framedb.Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer log.Close()
		s := one(t)
		s.deps.Log = log
		s.open()
		ada := s.person(subject.Account, "A-1")
		s.says(ada, consent.Given, thimble.PersonalizeContent)
		body := batch(s.track(`"userId":"A-1"`, "Order Completed", `"order_id":"o1","total":5.5,"currency":"EUR","products":[{"product_id":"p1"},{"product_id":"p2","size":"M","colour":"blue"}]`))
		s.want(s.sends(server, body), 1)
		s.open() // a process that begins now knows it all the same
		s.want(s.sends(server, body), 0, intake.Repeated, 1)

		frames, err := log.After(ctx, 0, 10)
		if err != nil || len(frames) != 1 || len(frames[0].Records) != 1 {
			t.Fatalf("%d frames, %v", len(frames), err)
		}
		r := &frames[0].Records[0]
		var parts [][]byte
		for _, p := range r.Parts {
			plain, err := s.vault.Open(ctx, frame.PartCell(r, p.Category), p.Sealed)
			if err != nil {
				t.Fatal(err)
			}
			parts = append(parts, plain)
		}
		whole, err := frame.Merge(parts...)
		if err != nil {
			t.Fatal(err)
		}
		var got, want map[string]any
		if err := json.Unmarshal(whole, &got); err != nil {
			t.Fatal(err)
		}
		delete(got, "time")
		_ = json.Unmarshal([]byte(`{"plan":1,"type":"track","event":"Order Completed","properties":{"order_id":"o1","total_minor":550,"currency":"EUR","products":[{"product_id":"p1"},{"product_id":"p2","size":"M","colour":"blue"}]}}`), &want)
		if !reflect.DeepEqual(got, want) || r.Subject != ada {
			t.Errorf("merged %s\nwant %v", whole, want)
		}
	})
}
