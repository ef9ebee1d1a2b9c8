package tastedb

import (
	"context"
	"fmt"
	"iter"
	"time"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/recommend/taste"
	"thimble/internal/sqldb"
)

// HolderName implements thimble.Holder.
func (s *Store) HolderName() string { return "taste" }

// Places implements thimble.Holder.
func (s *Store) Places() []thimble.Place {
	return []thimble.Place{{Kind: thimble.TablePlace, Name: "taste_events"}, {Kind: thimble.TablePlace, Name: "taste_state"}}
}

// words say in the export what an event is.
var words = map[taste.Kind]string{
	taste.Less: "you want less of this in your lists", taste.Forget: "forget that you looked at this or bought it", taste.Never: "never use this category for your lists",
}

// A Told is one choice as its person reads it.
type Told struct {
	Says     string         `json:"says"`
	Item     thimble.ItemID `json:"item,omitempty"`
	Category string         `json:"category,omitempty"`
	Undone   bool           `json:"undone"`
	Number   int64          `json:"number"`
	How      string         `json:"how"`
}

// Export implements thimble.Holder: every choice ever made, and every undoing.
func (s *Store) Export(ctx context.Context, who thimble.SubjectID) iter.Seq2[thimble.Datum, error] {
	return func(yield func(thimble.Datum, error) bool) {
		all, err := s.history(ctx, who, s.open)
		if err != nil {
			yield(thimble.Datum{}, err)
			return
		}
		for _, r := range all {
			e := r.Event
			told := Told{Says: words[e.Kind], Item: e.Item, Category: e.Category, Undone: e.Undone, Number: e.Seq, How: e.By.Component}
			if !yield(thimble.Datum{Holder: s.HolderName(), Category: thimble.PrivacyPreferences, Name: "choice about lists", Value: told, At: e.At}, nil) {
				return
			}
		}
	}
}

// Erase implements thimble.Holder.
func (s *Store) Erase(ctx context.Context, who thimble.SubjectID) (thimble.Erasure, error) {
	var n int64
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		if _, err := tx.Exec(ctx, `delete from taste_state where subject_id = $1`, who[:]); err != nil {
			return err
		}
		var err error
		n, err = tx.Exec(ctx, `delete from taste_events where subject_id = $1`, who[:])
		return err
	})
	if err != nil {
		return thimble.Erasure{}, fmt.Errorf("taste: erasing a person: %w", err)
	}
	return thimble.Erasure{Erased: int(n)}, nil
}

// Expire implements thimble.Holder. A choice has no time of its own: it holds until it is
// undone, and goes with the person. If it ran out, what was to be forgotten would come
// back.
func (s *Store) Expire(context.Context, thimble.Category, time.Time) (thimble.Erasure, error) {
	return thimble.Erasure{}, nil
}

const claimsPage = 500

// Claims are what the events say of their leaves, and whether what stands follows from
// them. It opens every event, for an audit.
func (s *Store) Claims(ctx context.Context) iter.Seq2[ledger.Claim, error] {
	return func(yield func(ledger.Claim, error) bool) {
		var after thimble.SubjectID
		for {
			page, err := s.people(ctx, after)
			if err != nil {
				yield(ledger.Claim{}, err)
				return
			}
			for _, who := range page {
				if !s.claims(ctx, who, yield) {
					return
				}
				after = who
			}
			if len(page) < claimsPage {
				return
			}
		}
	}
}

// people are who has said something, in the order of their ids.
func (s *Store) people(ctx context.Context, after thimble.SubjectID) (page []thimble.SubjectID, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		page, err = sqldb.Column[thimble.SubjectID](ctx, tx, `select distinct subject_id from taste_events where subject_id > $1 order by subject_id limit $2`, after[:], claimsPage)
		return err
	})
	return page, err
}

func (s *Store) claims(ctx context.Context, who thimble.SubjectID, yield func(ledger.Claim, error) bool) bool {
	var rows []eventRow
	var state taste.State
	err := s.db.Read(ctx, func(tx *sqldb.Tx) (err error) { // events and what stands, of one instant
		if rows, err = eventRows(ctx, tx, `where subject_id = $1 order by seq`, who[:]); err != nil {
			return err
		}
		state, err = s.standing(ctx, tx, who)
		return err
	})
	if err != nil {
		return yield(ledger.Claim{Table: "taste_state", Subject: who, Err: err}, nil)
	}
	var events []taste.Event
	for _, r := range rows {
		c := ledger.Claim{Table: "taste_events", Class: ledger.Taste, Subject: who}
		var one Recorded
		if one, c.Err = unseal(ctx, s.open, r); c.Err == nil {
			c.Opening = one.Opening
			c.Rule = ledger.RuleIf(one.Event.Subject == who && one.Event.Seq == r.seq && one.Event.At.Equal(time.UnixMicro(r.at)))
			events = append(events, one.Event)
		}
		if !yield(c, nil) {
			return false
		}
	}
	got, err := state.Marshal()
	if err != nil {
		return yield(ledger.Claim{}, err)
	}
	want, err := taste.Fold(events, time.Unix(1<<40, 0)).Marshal() // all of them, whatever the clock was
	if err == nil && len(events) == len(rows) && string(got) != string(want) {
		return yield(ledger.Claim{Table: "taste_state", Subject: who, Rule: "what stands does not follow from the events"}, nil)
	}
	return err == nil || yield(ledger.Claim{}, err)
}
