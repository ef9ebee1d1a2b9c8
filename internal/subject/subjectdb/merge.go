package subjectdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
)

// A Ledger queues leaves in the caller's transaction.
type Ledger interface {
	Queue(ctx context.Context, tx *sqldb.Tx, e ledger.Entry) (ledger.Opening, error)
}

// OnRegroup has f run in each transaction that joins or parts people, so that what
// must follow is done with it or not at all. It is called while the store is wired.
func (s *Store) OnRegroup(f func(context.Context, *sqldb.Tx, subject.Regrouping) error) {
	s.regrouped = append(s.regrouped, f)
}

// Link links two subjects: from now on they are one person. Nothing moves, so that
// [Store.Unlink] leaves both as they were. It does not matter in which order they
// are named. The error is of kind thimble.ErrConflict when they are one person
// already, are related as two people, or would be more than one person may be;
// thimble.ErrNotFound when one is unknown or erased; thimble.ErrInvalid when the
// evidence will not do.
func (s *Store) Link(ctx context.Context, tx *sqldb.Tx, survivor, absorbed thimble.SubjectID, e subject.Evidence) (subject.Merge, error) {
	if err := e.Validate(); err != nil {
		return subject.Merge{}, err
	}
	m, members, err := s.merge(ctx, tx, survivor, absorbed, e)
	if err != nil {
		return subject.Merge{}, fmt.Errorf("subjectdb: merging two: %w", err)
	}
	return m, s.tell(ctx, tx, subject.Regrouping{Merge: m, Members: members})
}

func (s *Store) merge(ctx context.Context, tx *sqldb.Tx, one, other thimble.SubjectID, e subject.Evidence) (m subject.Merge, members []thimble.SubjectID, err error) {
	if members, err = s.mergeable(ctx, tx, one, other); err != nil {
		return m, nil, err
	}
	named, err := readNodes(ctx, tx, []thimble.SubjectID{one, other})
	if err != nil {
		return m, nil, err
	}
	slices.SortFunc(named, older)
	m = subject.Merge{Survivor: named[0].id, Absorbed: named[1].id, At: s.cfg.Now().UTC().Truncate(time.Microsecond)}
	if m.ID, err = thimble.NewID(s.cfg.Rand); err != nil {
		return m, nil, err
	}
	record := subject.MergeRecord{V: 1, Merge: m.ID.Token(subject.MergePrefix), What: "joined", Survivor: m.Survivor, Absorbed: m.Absorbed,
		Ground: e.Ground, By: e.By, At: m.At}
	record.Note = e.Note.Reveal() // to be sealed; the leaf commits to it with a salt
	opening, err := s.leaf(ctx, tx, record)
	if err != nil {
		return m, nil, err
	}
	sealed, err := opening.Seal(ctx, s.keys, subject.MergeCell(m.Survivor, m.ID))
	if err != nil {
		return m, nil, err
	}
	if _, err := tx.Exec(ctx, `insert into subject_merges (id, survivor, absorbed, at, sealed) values ($1, $2, $3, $4, $5)`,
		m.ID, m.Survivor, m.Absorbed, m.At.UnixMicro(), sealed); err != nil {
		return m, nil, err
	}
	return m, members, s.regroup(ctx, tx, members)
}

func (s *Store) leaf(ctx context.Context, tx *sqldb.Tx, r subject.MergeRecord) (ledger.Opening, error) {
	if s.cfg.Ledger == nil {
		return ledger.Opening{}, fmt.Errorf("no ledger was given, and a merge that nobody can prove is none: %w", thimble.ErrDenied)
	}
	b, err := r.Marshal()
	if err != nil {
		return ledger.Opening{}, err
	}
	return s.cfg.Ledger.Queue(ctx, tx, ledger.Entry{Class: ledger.Identity, At: r.At, Record: b})
}

func (s *Store) tell(ctx context.Context, tx *sqldb.Tx, r subject.Regrouping) error {
	for _, f := range s.regrouped {
		if err := f(ctx, tx, r); err != nil {
			return fmt.Errorf("subjectdb: following the merge %s: %w", r.ID.Token(subject.MergePrefix), err)
		}
	}
	return nil
}

// mergeable returns all who would be one person, or why they cannot be.
func (s *Store) mergeable(ctx context.Context, tx *sqldb.Tx, one, other thimble.SubjectID) ([]thimble.SubjectID, error) {
	a, err := alivePerson(ctx, tx, one)
	if err != nil {
		return nil, err
	}
	if slices.Contains(a.IDs(), other) {
		return nil, subject.Refuse("they are one person already", thimble.ErrConflict)
	}
	b, err := alivePerson(ctx, tx, other)
	if err != nil {
		return nil, err
	}
	all := append(a.IDs(), b.IDs()...)
	if most := s.cfg.Limits.members(); len(all) > most {
		return nil, subject.Refuse(fmt.Sprintf("together they would be %d accounts, and one person has at most %d", len(all), most), thimble.ErrConflict)
	}
	if err := s.withinLimits(ctx, tx, all); err != nil {
		return nil, err
	}
	return all, apart(ctx, tx, a.IDs(), b.IDs())
}

func alivePerson(ctx context.Context, tx *sqldb.Tx, id thimble.SubjectID) (subject.Person, error) {
	p, err := person(ctx, tx, id)
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("one of the two is unknown or was erased: %w", thimble.ErrNotFound)
	}
	return p, err
}

func (s *Store) withinLimits(ctx context.Context, tx *sqldb.Tx, all []thimble.SubjectID) error {
	counts := map[subject.Kind]int{}
	err := inChunks(keysOf(all), func(_ int, list string, args []any) error {
		rows, err := tx.Query(ctx, `select kind, count(*) from subject_identifiers where subject in (`+list+`) group by kind`, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var k subject.Kind
			var n int
			if err := rows.Scan(&k, &n); err != nil {
				return err
			}
			counts[k] += n
		}
		return rows.Err()
	})
	if err != nil {
		return err
	}
	for _, k := range subject.Kinds() {
		if most := s.cfg.Limits.person(k); counts[k] > most {
			return subject.Refuse(fmt.Sprintf("together they would have %d identifiers of kind %s, and one person has at most %d", counts[k], k, most), thimble.ErrConflict)
		}
	}
	return nil
}

// Join is Link in a transaction of its own.
func (s *Store) Join(ctx context.Context, one, other thimble.SubjectID, e subject.Evidence) (m subject.Merge, err error) {
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		m, err = s.Link(ctx, tx, one, other, e)
		return err
	})
	return m, err
}

// Part is Unlink in a transaction of its own.
func (s *Store) Part(ctx context.Context, id thimble.ID, by string) (p Parted, err error) {
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		p, err = s.Unlink(ctx, tx, id, by)
		return err
	})
	return p, err
}

// A Parted says how a person was parted.
type Parted struct {
	subject.Merge
	// Left and Right are the two people that are left, each with the canonical
	// subject first.
	Left, Right []thimble.SubjectID
	// Opening opens the leaf. It is kept nowhere: the link is gone, and with it what
	// says that there was one.
	Opening ledger.Opening
}

// Unlink deletes a link. Both people are as they were, and what came in meanwhile
// is with the subject it came by. The error is of kind thimble.ErrNotFound when
// there is no such link.
func (s *Store) Unlink(ctx context.Context, tx *sqldb.Tx, id thimble.ID, by string) (Parted, error) {
	p, err := s.unmerge(ctx, tx, id, by)
	if err != nil {
		return p, wrap("parting "+id.Token(subject.MergePrefix), err)
	}
	members := append(slices.Clone(p.Left), p.Right...)
	return p, s.tell(ctx, tx, subject.Regrouping{Merge: p.Merge, Members: members})
}

func (s *Store) unmerge(ctx context.Context, tx *sqldb.Tx, id thimble.ID, by string) (p Parted, err error) {
	var at int64
	p.ID = id
	if err := tx.QueryRow(ctx, `select survivor, absorbed, at from subject_merges where id = $1`, id).Scan(&p.Survivor, &p.Absorbed, &at); err != nil {
		return p, err
	}
	p.At, p.Until = time.UnixMicro(at).UTC(), s.cfg.Now().UTC().Truncate(time.Microsecond)
	whole, err := person(ctx, tx, p.Survivor)
	if err != nil {
		return p, err
	}
	if _, err := tx.Exec(ctx, `delete from subject_merges where id = $1`, id); err != nil {
		return p, err
	}
	if err := s.regroup(ctx, tx, whole.IDs()); err != nil {
		return p, err
	}
	p.Opening, err = s.leaf(ctx, tx, subject.MergeRecord{V: 1, Merge: id.Token(subject.MergePrefix), What: "parted",
		Survivor: p.Survivor, Absorbed: p.Absorbed, By: by, At: p.Until})
	if err != nil {
		return p, err
	}
	left, err := person(ctx, tx, p.Survivor)
	if err != nil {
		return p, err
	}
	right, err := person(ctx, tx, p.Absorbed)
	p.Left, p.Right = left.IDs(), right.IDs()
	return p, err
}

// A SealedMerge is a link with its cell for a grant.
type SealedMerge struct {
	subject.Merge
	Cell   thimble.Cell
	Sealed []byte
}

// Open opens the record of a merge, and what proves it.
func (m SealedMerge) Open(ctx context.Context, g thimble.Grant) (subject.MergeRecord, ledger.Opening, error) {
	return m.open(ctx, g)
}

func (m SealedMerge) open(ctx context.Context, o ledger.Opener) (subject.MergeRecord, ledger.Opening, error) {
	opening, err := ledger.Unseal(ctx, o, m.Cell, m.Sealed)
	if err != nil {
		return subject.MergeRecord{}, opening, fmt.Errorf("subjectdb: opening %s: %w", m.ID.Token(subject.MergePrefix), err)
	}
	r, err := subject.ParseMergeRecord(opening.Record)
	return r, opening, err
}

// Merges returns the links of the person a subject is of, the oldest first.
func (s *Store) Merges(ctx context.Context, id thimble.SubjectID) (all []SealedMerge, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		p, err := person(ctx, tx, id)
		if err != nil || len(p.Members) == 1 {
			return err
		}
		return inChunks(keysOf(p.IDs()), func(_ int, list string, args []any) error {
			found, err := readMerges(ctx, tx, `survivor in (`+list+`)`, args...)
			all = append(all, found...)
			return err
		})
	})
	slices.SortFunc(all, func(a, b SealedMerge) int { return a.At.Compare(b.At) })
	return all, wrap("reading the merges of a person", err)
}

// MergeOf returns one link.
func (s *Store) MergeOf(ctx context.Context, id thimble.ID) (m SealedMerge, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		found, err := readMerges(ctx, tx, `id = $1`, id)
		if err == nil && len(found) == 0 {
			err = sql.ErrNoRows
		}
		if err == nil {
			m = found[0]
		}
		return err
	})
	return m, wrap("reading "+id.Token(subject.MergePrefix), err)
}

func readMerges(ctx context.Context, tx *sqldb.Tx, where string, args ...any) (all []SealedMerge, _ error) {
	rows, err := tx.Query(ctx, `select id, survivor, absorbed, at, sealed from subject_merges where `+where+` order by at, id`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var m SealedMerge
		var at int64
		if err := rows.Scan(&m.ID, &m.Survivor, &m.Absorbed, &at, &m.Sealed); err != nil {
			return nil, err
		}
		m.At, m.Cell = time.UnixMicro(at).UTC(), subject.MergeCell(m.Survivor, m.ID)
		all = append(all, m)
	}
	return all, rows.Err()
}
