package staffdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/sqldb"
	"thimble/internal/staff"
)

// People knows who exists; *subjectdb.Store does.
type People interface {
	Alive(ctx context.Context, tx *sqldb.Tx, s thimble.SubjectID) (epoch int64, err error)
}

// A GlassStore keeps when the glass was broken, and for whom. It is a thimble.Holder: for
// whom it was is data about a person.
type GlassStore struct {
	thimble.Static
	*Store
	people People
}

// Glass returns the store of broken glass beside the accounts.
func (s *Store) Glass(p People) *GlassStore { return &GlassStore{Store: s, people: p} }

func glassCell(column string, who thimble.SubjectID, id thimble.ID) thimble.Cell {
	return thimble.Cell{Owner: who, Table: "staff_glass", Column: column, Row: id[:], Category: thimble.AccessRecord}
}

// Break opens a person's data to an account for a quarter of an hour. It is refused while
// the account has the glass broken for somebody else, and while one that it broke before
// was not looked at in time.
func (s *GlassStore) Break(ctx context.Context, account string, who thimble.SubjectID, kind staff.GlassKind, reason thimble.Personal[string]) (g staff.Glass, err error) {
	if err := staff.CheckGlass(kind, reason); err != nil {
		return g, err
	}
	id, err := thimble.NewID(nil)
	if err != nil {
		return g, err
	}
	now := s.cfg.Now().UTC().Truncate(time.Microsecond)
	g = staff.Glass{ID: id, Account: account, Subject: who, Kind: kind, At: now, Until: now.Add(staff.GlassLives)}
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		if _, err := s.people.Alive(ctx, tx, who); err != nil {
			return err
		}
		if err := s.mayBreak(ctx, tx, account, who, now); err != nil {
			return err
		}
		// The reason is revealed to the record, which is sealed under the person's key.
		record, err := staff.GlassRecord{V: 1, Glass: id.Token(staff.GlassPrefix), What: "broken", Account: account, Subject: who, Kind: kind, Reason: reason.Reveal(), By: account, At: now}.Marshal()
		if err != nil {
			return err
		}
		opening, err := s.ledger.Queue(ctx, tx, ledger.Entry{Class: ledger.Access, At: now, Record: record})
		if err != nil {
			return err
		}
		sealed, err := opening.Seal(ctx, s.vault, glassCell("opening", who, id))
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `insert into staff_glass (id, account, subject_id, kind, at, until, opening, reviewed_by, reviewed_at, fine) values ($1, $2, $3, $4, $5, $6, $7, '', 0, 0)`,
			id, account, who, string(kind), now.UnixMicro(), g.Until.UnixMicro(), sealed)
		return err
	})
	if err != nil {
		return staff.Glass{}, fmt.Errorf("staff: breaking the glass: %w", err)
	}
	return g, nil
}

func (s *GlassStore) mayBreak(ctx context.Context, tx *sqldb.Tx, account string, who thimble.SubjectID, now time.Time) error {
	all, err := glasses(ctx, tx, `where account = $1 and (until > $2 or reviewed_by = '')`, account, now.UnixMicro())
	if err != nil {
		return err
	}
	for _, g := range all {
		switch {
		case g.Overdue(now):
			return fmt.Errorf("one that you broke before was not looked at within %d hours: %w", int(staff.GlassReview.Hours()), thimble.ErrDenied)
		case g.Live(now) && g.Subject != who:
			return fmt.Errorf("it is broken for somebody else until %s, and for one person at a time: %w", g.Until.Format("15:04"), thimble.ErrConflict)
		}
	}
	return nil
}

// State says what the glass permits an account: whether it is broken for a person now, and
// whether one that it broke waits too long to be looked at.
func (s *GlassStore) State(ctx context.Context, account string, who thimble.SubjectID) (live, overdue bool, err error) {
	now := s.cfg.Now()
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all, err := glasses(ctx, tx, `where account = $1 and (until > $2 or reviewed_by = '')`, account, now.UnixMicro())
		live, overdue = false, false
		for _, g := range all {
			live = live || g.Live(now) && g.Subject == who
			overdue = overdue || g.Overdue(now)
		}
		return err
	})
	return live, overdue, err
}

// Recent returns the newest times that the glass was broken, those that wait for a review
// first.
func (s *GlassStore) Recent(ctx context.Context, limit int) (all []staff.Glass, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		all, err = glasses(ctx, tx, `order by reviewed_by <> '', at desc, id limit $1`, limit)
		return err
	})
	return all, err
}

// Live returns what an account has broken now, if anything.
func (s *GlassStore) Live(ctx context.Context, account string) (g staff.Glass, ok bool, err error) {
	now := s.cfg.Now()
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all, err := glasses(ctx, tx, `where account = $1 and until > $2 order by at desc`, account, now.UnixMicro())
		for _, one := range all {
			if one.Live(now) && !ok {
				g, ok = one, true
			}
		}
		return err
	})
	return g, ok, err
}

// Waiting returns how many wait for a review.
func (s *GlassStore) Waiting(ctx context.Context) (n int, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(ctx, `select count(*) from staff_glass where reviewed_by = ''`).Scan(&n)
	})
	return n, err
}

// Review says that somebody has looked at it, and whether they found it right. Whoever broke
// it cannot: an error of kind thimble.ErrDenied. While it is live nobody can find it right,
// since more may yet be looked at: an error of kind thimble.ErrConflict. Who finds it wrong ends it.
func (s *GlassStore) Review(ctx context.Context, id thimble.ID, by string, fine bool, note thimble.Personal[string]) error {
	if err := staff.CheckReason(note, 10); err != nil {
		return err
	}
	now := s.cfg.Now().UTC().Truncate(time.Microsecond)
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		all, err := glasses(ctx, tx, `where id = $1`, id)
		if err == nil && len(all) == 0 {
			err = thimble.ErrNotFound
		}
		if err != nil {
			return err
		}
		g := all[0]
		switch {
		case g.Account == by:
			return fmt.Errorf("somebody else has to look at it: %w", thimble.ErrDenied)
		case g.ReviewedBy != "":
			return fmt.Errorf("%s has looked at it: %w", g.ReviewedBy, thimble.ErrConflict)
		case fine && g.Live(now):
			return fmt.Errorf("it is broken until %s; look at it after that, or find it wrong and end it: %w", g.Until.Format("15:04"), thimble.ErrConflict)
		case g.Live(now):
			g.Until = now
		}
		// The note is revealed to the record, which is sealed under the person's key.
		record, err := staff.GlassRecord{V: 1, Glass: id.Token(staff.GlassPrefix), What: "reviewed", Account: g.Account, Subject: g.Subject, Kind: g.Kind, Reason: note.Reveal(), By: by, Fine: fine, At: now}.Marshal()
		if err != nil {
			return err
		}
		opening, err := s.ledger.Queue(ctx, tx, ledger.Entry{Class: ledger.Access, At: now, Record: record})
		if err != nil {
			return err
		}
		sealed, err := opening.Seal(ctx, s.vault, glassCell("review", g.Subject, id))
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `update staff_glass set reviewed_by = $1, reviewed_at = $2, fine = $3, review = $4, until = $5 where id = $6`, by, now.UnixMicro(), one(fine), sealed, g.Until.UnixMicro(), id)
		return err
	})
	if err != nil {
		return fmt.Errorf("staff: reviewing broken glass: %w", err)
	}
	return nil
}

func one(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

func glasses(ctx context.Context, tx *sqldb.Tx, where string, args ...any) (all []staff.Glass, err error) {
	rows, err := tx.Query(ctx, `select id, account, subject_id, kind, at, until, reviewed_by, reviewed_at, fine from staff_glass `+where, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var g staff.Glass
		var at, until, reviewed int64
		var fine int
		if err := rows.Scan(&g.ID, &g.Account, &g.Subject, &g.Kind, &at, &until, &g.ReviewedBy, &reviewed, &fine); err != nil {
			return nil, err
		}
		g.At, g.Until, g.ReviewedAt, g.Fine = instant(at), instant(until), instant(reviewed), fine == 1
		all = append(all, g)
	}
	return all, rows.Err()
}

// HolderName implements thimble.Holder.
func (s *GlassStore) HolderName() string { return "staff" }

// Places implements thimble.Holder.
func (s *GlassStore) Places() []thimble.Place {
	return []thimble.Place{{Kind: thimble.TablePlace, Name: "staff_glass"}}
}

// A glassDatum is one time that the glass was broken, as its person reads it.
type glassDatum struct {
	By       string          `json:"by"`
	Kind     staff.GlassKind `json:"kind"`
	Reason   string          `json:"reason"`
	Until    time.Time       `json:"until"`
	Reviewed string          `json:"reviewed_by,omitempty"`
	Fine     bool            `json:"found_right,omitempty"`
}

// Export implements thimble.Holder.
func (s *GlassStore) Export(ctx context.Context, who thimble.SubjectID) iter.Seq2[thimble.Datum, error] {
	return func(yield func(thimble.Datum, error) bool) {
		var all []staff.Glass
		err := s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
			all, err = glasses(ctx, tx, `where subject_id = $1 order by at, id`, who)
			return err
		})
		for _, g := range all {
			reason, reasonErr := s.reason(ctx, g)
			if reasonErr != nil {
				err = errors.Join(err, reasonErr)
				break
			}
			d := thimble.Datum{Holder: s.HolderName(), Category: thimble.AccessRecord, Name: g.ID.Token(staff.GlassPrefix), At: g.At,
				Value: glassDatum{By: g.Account, Kind: g.Kind, Reason: reason, Until: g.Until, Reviewed: g.ReviewedBy, Fine: g.Fine}}
			if !yield(d, nil) {
				return
			}
		}
		if err != nil {
			yield(thimble.Datum{}, fmt.Errorf("staff: exporting a person: %w", err))
		}
	}
}

// reason opens why the glass was broken, for its person's own archive.
func (s *GlassStore) reason(ctx context.Context, g staff.Glass) (string, error) {
	var sealed []byte
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(ctx, `select opening from staff_glass where id = $1`, g.ID).Scan(&sealed)
	})
	if err != nil {
		return "", err
	}
	o, err := ledger.Unseal(ctx, s.vault, glassCell("opening", g.Subject, g.ID), sealed)
	if err != nil {
		return "", err
	}
	var r staff.GlassRecord
	err = json.Unmarshal(o.Record, &r)
	return r.Reason, err
}

// Erase implements thimble.Holder. The leaves stay, and lead to nobody.
func (s *GlassStore) Erase(ctx context.Context, who thimble.SubjectID) (thimble.Erasure, error) {
	var n int64
	err := s.db.Write(ctx, func(tx *sqldb.Tx) (err error) {
		n, err = tx.Exec(ctx, `delete from staff_glass where subject_id = $1`, who)
		return err
	})
	if err != nil {
		return thimble.Erasure{}, fmt.Errorf("staff: erasing a person: %w", err)
	}
	return thimble.Erasure{Erased: int(n)}, nil
}

// Expire implements thimble.Holder.
func (s *GlassStore) Expire(ctx context.Context, c thimble.Category, before time.Time) (thimble.Erasure, error) {
	if !thimble.AccessRecord.Within(c) {
		return thimble.Erasure{}, nil
	}
	n, err := s.db.Drain(ctx, `delete from staff_glass where id in (select id from staff_glass where at < $1 limit 1000)`, before.UnixMicro())
	if err != nil {
		err = fmt.Errorf("staff: expiring: %w", err)
	}
	return thimble.Erasure{Erased: n}, err
}
