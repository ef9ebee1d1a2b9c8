package subjectdb

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"thimble"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
)

// Person returns everybody that links make one with a subject, and the epochs. The
// error for an erased subject is of kind thimble.ErrNotFound. For somebody with one
// subject it is one look at one row.
func (s *Store) Person(ctx context.Context, id thimble.SubjectID) (p subject.Person, err error) {
	found, alone := false, false
	err = s.db.Ask(ctx, func(rows sqldb.Row) (err error) {
		found = true
		p, alone, err = single(rows, id)
		return err
	}, personOf, id[:])
	if err == nil && !found {
		err = sql.ErrNoRows
	}
	if err != nil || alone {
		return p, wrap("reading the person of a person", err)
	}
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		p, err = s.PersonTx(ctx, tx, id)
		return err
	})
	return p, err
}

const personOf = `select epoch, restricted, person from subject_subjects where id = $1 and state = 'active'`

// single reads a row of personOf, and reports whether nobody was linked with the subject.
func single(row interface{ Scan(...any) error }, id thimble.SubjectID) (p subject.Person, alone bool, err error) {
	var canonical thimble.SubjectID
	var restricted int
	m := subject.Member{ID: id}
	if err := row.Scan(&m.Epoch, &restricted, &canonical); err != nil || !canonical.IsZero() {
		return subject.Person{Members: []subject.Member{{ID: canonical}}}, false, err
	}
	m.Stopped = restricted == byRequest
	return subject.Person{Members: []subject.Member{m}, Restricted: restricted > 0}, true, nil
}

// PersonTx is Person in the caller's transaction.
func (s *Store) PersonTx(ctx context.Context, tx *sqldb.Tx, id thimble.SubjectID) (subject.Person, error) {
	p, err := person(ctx, tx, id)
	return p, wrap("reading the person of a person", err)
}

func person(ctx context.Context, tx *sqldb.Tx, id thimble.SubjectID) (subject.Person, error) {
	one, alone, err := single(tx.QueryRow(ctx, personOf, id[:]), id)
	if err != nil || alone {
		return one, err
	}
	canonical := one.Members[0].ID
	rows, err := tx.Query(ctx, `select id, epoch, restricted, coalesce(joined, 0) from subject_subjects
		where person = $1 and state = 'active' order by id`, canonical[:])
	if err != nil {
		return subject.Person{}, err
	}
	defer rows.Close()
	var p subject.Person
	var restricted int
	for rows.Next() {
		var m subject.Member
		var joined int64
		if err := rows.Scan(&m.ID, &m.Epoch, &restricted, &joined); err != nil {
			return p, err
		}
		m.Stopped = restricted == byRequest
		p.Restricted = p.Restricted || restricted > 0
		if m.ID == canonical {
			p.Members = slices.Insert(p.Members, 0, m)
			continue
		}
		m.Joined = time.UnixMicro(joined).UTC()
		p.Members = append(p.Members, m)
	}
	return p, rows.Err()
}

// Members returns the subjects of a person: the canonical one first, then the others
// in order of their ids. Of an erased subject nobody is left to name, and it is
// itself: what erases it goes on to the end.
func (s *Store) Members(ctx context.Context, id thimble.SubjectID) (all []thimble.SubjectID, err error) {
	p, err := s.Person(ctx, id)
	if isNotFound(err) {
		return []thimble.SubjectID{id}, nil
	}
	return p.IDs(), err
}

// Canonical returns the subject under which a person is shown.
func (s *Store) Canonical(ctx context.Context, id thimble.SubjectID) (thimble.SubjectID, error) {
	p, err := s.Person(ctx, id)
	return p.ID(), err
}

// SetRestricted keeps that a person's data is kept and not used (GDPR Art. 18), or no
// longer so, and moves the epoch.
func (s *Store) SetRestricted(ctx context.Context, tx *sqldb.Tx, id thimble.SubjectID, on bool) error {
	flag := 0
	if on {
		flag = byRequest
	}
	if !on { // while it lasted no visit was written down: whose restriction ends was there today
		day := seenDay(s.cfg.Now())
		if _, err := tx.Exec(ctx, `update subject_subjects set seen_on = $1 where id = $2 and state = 'active' and restricted = 1 and coalesce(seen_on, 0) < $1`, day, id[:]); err != nil {
			return wrap("restricting a person", err)
		}
	}
	n, err := tx.Exec(ctx, `update subject_subjects set restricted = $1, epoch = epoch + 1 where id = $2 and state = 'active'`, flag, id[:])
	if err == nil && n == 0 {
		err = thimble.ErrNotFound
	}
	s.moves(tx, id)
	return wrap("restricting a person", err)
}

// SetAge seals a person's age state, and moves the epoch.
func (s *Store) SetAge(ctx context.Context, tx *sqldb.Tx, id thimble.SubjectID, a subject.Age) error {
	if err := a.Validate(); err != nil {
		return err
	}
	plain, err := a.Bytes()
	if err != nil {
		return wrap("writing the age of a person", err)
	}
	sealed, err := s.keys.Seal(ctx, subject.AgeCell(id), plain)
	if err != nil {
		return wrap("sealing the age of a person", err)
	}
	n, err := tx.Exec(ctx, `update subject_subjects set age = $1, epoch = epoch + 1 where id = $2 and state = 'active'`, sealed, id[:])
	if err == nil && n == 0 {
		err = thimble.ErrNotFound
	}
	s.moves(tx, id)
	return wrap("keeping the age of a person", err)
}

// YoungestTx returns the age state of a person in the caller's transaction: of several
// subjects that of the youngest. It opens cells with the opener of the Config; without
// one it is denied.
func (s *Store) YoungestTx(ctx context.Context, tx *sqldb.Tx, id thimble.SubjectID) (youngest subject.Age, err error) {
	if s.cfg.Opener == nil {
		return youngest, fmt.Errorf("subjectdb: the age of a person: no opener was given: %w", thimble.ErrDenied)
	}
	p, err := person(ctx, tx, id)
	if err != nil {
		return youngest, wrap("reading the person of a person", err)
	}
	for i, who := range p.IDs() {
		var sealed []byte
		age := subject.Age{State: subject.AgeUnknown}
		err := tx.QueryRow(ctx, `select age from subject_subjects where id = $1`, who[:]).Scan(&sealed)
		if err == nil && sealed != nil {
			age, err = s.openAge(ctx, who, sealed)
		}
		if err != nil {
			return youngest, wrap("reading the age of a person", err)
		}
		if i == 0 {
			youngest = age
		}
		youngest = subject.Younger(youngest, age)
	}
	return youngest, nil
}

func (s *Store) openAge(ctx context.Context, who thimble.SubjectID, sealed []byte) (subject.Age, error) {
	plain, err := s.cfg.Opener.Open(ctx, subject.AgeCell(who), sealed)
	if err != nil {
		return subject.Age{}, err
	}
	return subject.ParseAge(plain)
}

// Age returns the sealed age state, nil when it is unknown; subject.OpenAge opens it.
func (s *Store) Age(ctx context.Context, id thimble.SubjectID) (sealed []byte, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(ctx, `select age from subject_subjects where id = $1 and state = 'active'`, id[:]).Scan(&sealed)
	})
	return sealed, wrap("reading the age of a person", err)
}

// A restriction is one that was asked for, or that of who has not been there for longer than
// their law lets data lie: that is not theirs, and one of theirs stays.
const byRequest, byClock = 1, 2

// SetLapsed keeps that a person's data is not used because they have not been there for too
// long, or no longer so, and moves the epoch. A restriction that they asked for stays as it
// is.
func (s *Store) SetLapsed(ctx context.Context, tx *sqldb.Tx, id thimble.SubjectID, on bool) error {
	from, to := 0, byClock
	if !on {
		from, to = to, from
	}
	n, err := tx.Exec(ctx, `update subject_subjects set restricted = $1, epoch = epoch + 1 where id = $2 and state = 'active' and restricted = $3`, to, id[:], from)
	if err == nil && n > 0 {
		s.moves(tx, id)
	}
	return wrap("restricting who has not been there", err)
}

// Lapsed are those whose data is not used because they have not been there for too long.
func (s *Store) Lapsed(ctx context.Context) (all []thimble.SubjectID, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all, err = sqldb.Column[thimble.SubjectID](ctx, tx, `select id from subject_subjects where restricted = $1 and state = 'active' order by id`, byClock)
		return err
	})
	return all, wrap("reading who has not been there", err)
}
