package subjectdb

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"maps"
	"slices"
	"time"

	"thimble"
	"thimble/internal/sqldb"
)

// lastSeen names that day in exports.
const lastSeen = "here last"

// wholeDay is what the day on which somebody was there last is kept to: not the hour.
const wholeDay = 24 * time.Hour

// seenDay is the day of an instant (UTC), as it is kept.
func seenDay(at time.Time) int64 { return at.UTC().Truncate(wholeDay).UnixMicro() }

// SawTx keeps that somebody was there on the day of an instant, in the caller's transaction.
// The day only ever moves forward, and is written once: to say so again that day changes
// nothing. Who was refused because they had not been there ([Store.SetLapsed]) is so no more.
// Of who had the use of their data restricted, and of nobody, nothing is written.
func (s *Store) SawTx(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID, at time.Time) error {
	n, err := tx.Exec(ctx, `update subject_subjects set seen_on = $1 where id = $2 and state = 'active' and restricted <> 1 and coalesce(seen_on, 0) < $1`, seenDay(at), who[:])
	if err != nil || n == 0 {
		return wrap("noting that a person was there", err)
	}
	back, err := sqldb.Column[thimble.SubjectID](ctx, tx, `select id from subject_subjects where restricted = $1 and state = 'active'
		and (id = $2 or id = (select person from subject_subjects where id = $2))`, byClock, who[:])
	for _, one := range back {
		if err == nil {
			err = s.SetLapsed(ctx, tx, one, false)
		}
	}
	return wrap("noting that a person was there", err)
}

// seenAtOnce bounds how many people one transaction of Saw writes.
const seenAtOnce = 500

// Saw keeps when each of many was there.
func (s *Store) Saw(ctx context.Context, seen map[thimble.SubjectID]time.Time) error {
	who := slices.SortedFunc(maps.Keys(seen), func(a, b thimble.SubjectID) int { return bytes.Compare(a[:], b[:]) }) // two writers lock in one order
	for some := range slices.Chunk(who, seenAtOnce) {
		err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
			for _, one := range some {
				if err := s.SawTx(ctx, tx, one, seen[one]); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return wrap("noting who was there", err)
		}
	}
	return nil
}

// SeenOn returns the day on which a person was there last, by whichever of their subjects;
// zero for nobody.
func (s *Store) SeenOn(ctx context.Context, who thimble.SubjectID) (last time.Time, err error) {
	members, err := s.Members(ctx, who)
	if err != nil {
		return last, err
	}
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		last = time.Time{}
		for _, m := range members {
			var on sql.Null[int64]
			err := tx.QueryRow(ctx, `select seen_on from subject_subjects where id = $1`, m[:]).Scan(&on)
			if err != nil && !errors.Is(err, sql.ErrNoRows) {
				return err
			}
			if at := time.UnixMicro(on.V).UTC(); on.Valid && at.After(last) {
				last = at
			}
		}
		return nil
	})
	return last, wrap("reading when a person was there last", err)
}

// SeenByNow takes back to the day of an instant what lies behind the day that follows it:
// nobody was there on a day that has not come. A clock that ran ahead wrote it.
func (s *Store) SeenByNow(ctx context.Context, now time.Time) error {
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, `update subject_subjects set seen_on = $1 where seen_on > $2`, seenDay(now), seenDay(now.Add(wholeDay)))
		return err
	})
	return wrap("taking back days that have not come", err)
}
