package thimbletest

import (
	"context"
	"fmt"
	"time"

	"thimble"
	"thimble/internal/collect/frame"
)

// Browses has a person look at items, as events that were taken in and built in.
func (s *Shop) Browses(who thimble.SubjectID, items ...thimble.ItemID) {
	s.TB.Helper()
	s.Does(who, "Product Viewed", items...)
}

// Does is Browses for any event of browsing, such as "Product Added".
func (s *Shop) Does(who thimble.SubjectID, event string, items ...thimble.ItemID) {
	s.TB.Helper()
	s.DoesOn(s.now(), who, event, items...)
}

func (s *Shop) now() time.Time {
	if s.Config.Now != nil {
		return s.Config.Now()
	}
	return time.Now()
}

// DoesOn is Does for what was done up to an instant, and came in now.
func (s *Shop) DoesOn(done time.Time, who thimble.SubjectID, event string, items ...thimble.ItemID) {
	s.TB.Helper()
	ctx := context.Background()
	const browsing thimble.Category = "user.behavior.browsing_history"
	records := make([]frame.Record, len(items))
	for i, item := range items {
		at := done.UTC().Add(time.Duration(i-len(items)) * time.Second)
		r := frame.Record{Subject: who, Received: s.now().UTC().UnixMicro(), Source: 1}
		var err error
		r.ID, err = thimble.NewID(nil)
		s.must(err)
		text := fmt.Sprintf(`{"plan":1,"type":"track","event":%q,"time":%d,"properties":{"product_id":%q}}`, event, at.UnixMicro(), item)
		sealed, err := s.Vault.Seal(ctx, frame.PartCell(&r, browsing), []byte(text))
		s.must(err)
		r.Parts = []frame.Part{{Category: browsing, Sealed: sealed}}
		records[i] = r
	}
	_, err := s.Frames.Append(ctx, records)
	s.must(err)
	s.must(s.Timeline.Flush(ctx))
}
