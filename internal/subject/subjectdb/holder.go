package subjectdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"time"

	"thimble"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
)

// HolderName implements thimble.Holder.
func (s *Store) HolderName() string { return "subject" }

// Places implements thimble.Holder.
func (s *Store) Places() []thimble.Place {
	return []thimble.Place{
		{Kind: "table", Name: "subject_subjects"},
		{Kind: "table", Name: "subject_identifiers"}, {Kind: thimble.TablePlace, Name: "subject_held"},
		{Kind: "table", Name: "subject_suppressions"},
		{Kind: "table", Name: "subject_shared"},
		{Kind: "table", Name: "subject_merges"},
		{Kind: "table", Name: "subject_relations"},
	}
}

// record is all that is stored about a subject.
type record struct {
	createdAt   time.Time
	seenOn      time.Time
	residence   []byte
	age         []byte
	restricted  bool
	identifiers []SealedIdentifier
	relations   []SealedRelation
	merges      []SealedMerge
}

// Export implements thimble.Holder: identifiers, residence, age state, the parts in
// relations, with which accounts it was joined, since when it is known, and the day on which it
// was there last. It opens
// cells with the opener of the Config; without one it is denied.
func (s *Store) Export(ctx context.Context, id thimble.SubjectID) iter.Seq2[thimble.Datum, error] {
	return func(yield func(thimble.Datum, error) bool) {
		r, err := s.record(ctx, id)
		if errors.Is(err, thimble.ErrNotFound) {
			return
		}
		if err != nil {
			yield(thimble.Datum{}, err)
			return
		}
		if s.cfg.Opener == nil {
			yield(thimble.Datum{}, fmt.Errorf("subjectdb: exporting a person: no opener was given: %w", thimble.ErrDenied))
			return
		}
		s.export(ctx, id, r, yield)
	}
}

func (s *Store) export(ctx context.Context, id thimble.SubjectID, r record, yield func(thimble.Datum, error) bool) {
	for _, i := range r.identifiers {
		plain, err := s.cfg.Opener.Open(ctx, i.Cell, i.Sealed)
		d := thimble.Datum{Holder: "subject", Category: i.Kind.Category(), Name: string(i.Kind), Value: string(plain), At: i.CreatedAt, Ref: refOf(i)}
		if !yieldOr(yield, d, err) {
			return
		}
	}
	if r.residence != nil {
		plain, err := s.cfg.Opener.Open(ctx, subject.ResidenceCell(id), r.residence)
		var home subject.Residence
		if err == nil {
			home, err = subject.ParseResidence(plain)
		}
		d := thimble.Datum{Holder: "subject", Category: thimble.Country, Name: "residence", Value: home, At: home.At}
		if !yieldOr(yield, d, err) {
			return
		}
	}
	if !s.exportState(ctx, id, r, yield) || !s.exportLinks(ctx, r, yield) {
		return
	}
	if !yield(thimble.Datum{Holder: "subject", Category: thimble.Pseudonym, Name: "known since", Value: id.String(), At: r.createdAt}, nil) || r.seenOn.IsZero() {
		return
	}
	yield(thimble.Datum{Holder: "subject", Category: thimble.AccountIdentifier, Name: lastSeen, Value: r.seenOn.Format(time.DateOnly), At: r.seenOn}, nil)
}

func (s *Store) exportState(ctx context.Context, id thimble.SubjectID, r record, yield func(thimble.Datum, error) bool) bool {
	if r.age != nil {
		age, err := s.openAge(ctx, id, r.age)
		if !yieldOr(yield, thimble.Datum{Holder: "subject", Category: subject.AgeCategory, Name: "age", Value: age, At: age.At}, err) {
			return false
		}
	}
	if r.restricted {
		return yield(thimble.Datum{Holder: "subject", Category: thimble.PrivacyPreferences, Name: "restricted", Value: true}, nil)
	}
	return true
}

// exportLinks tells of others only that they are there: who they are is theirs.
func (s *Store) exportLinks(ctx context.Context, r record, yield func(thimble.Datum, error) bool) bool {
	for _, l := range r.relations {
		plain, err := s.cfg.Opener.Open(ctx, l.Cell, l.Sealed)
		var part subject.Part
		if err == nil {
			part, err = subject.ParsePart(plain)
		}
		if !yieldOr(yield, thimble.Datum{Holder: "subject", Category: subject.RelationCategory, Name: "related", Value: part, At: l.At}, err) {
			return false
		}
	}
	for _, m := range r.merges {
		rec, _, err := m.open(ctx, s.cfg.Opener)
		d := thimble.Datum{Holder: "subject", Category: thimble.AccountIdentifier, Name: "joined with another account", Value: rec, At: m.At}
		if !yieldOr(yield, d, err) {
			return false
		}
	}
	return true
}

func yieldOr(yield func(thimble.Datum, error) bool, d thimble.Datum, err error) bool {
	if err != nil {
		return yield(thimble.Datum{}, fmt.Errorf("subjectdb: exporting %s: %w", d.Name, err))
	}
	return yield(d, nil)
}

func (s *Store) record(ctx context.Context, id thimble.SubjectID) (r record, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		var at int64
		var restricted int
		var seen sql.Null[int64]
		if err := tx.QueryRow(ctx, `select created_at, seen_on, residence, age, restricted from subject_subjects
			where id = $1 and state = 'active'`, id[:]).Scan(&at, &seen, &r.residence, &r.age, &restricted); err != nil {
			return err
		}
		if seen.Valid {
			r.seenOn = time.UnixMicro(seen.V).UTC()
		}
		r.createdAt, r.restricted = time.UnixMicro(at).UTC(), restricted > 0
		if r.identifiers, err = sealedIdentifiers(ctx, tx, id); err != nil {
			return err
		}
		if r.relations, err = readRelations(ctx, tx, id); err != nil {
			return err
		}
		r.merges, err = readMerges(ctx, tx, `survivor = $1 or absorbed = $1`, id)
		return err
	})
	return r, wrap("reading a person", err)
}

// Erase implements thimble.Holder. Of the person stay a bare id, so that it is never
// given again, and a keyed hash of each identifier, so that an old list does not
// bring the person back; nothing tells which hash was whose. Links and relations of
// the subject are gone on both sides: who else was of the person is parted from it.
func (s *Store) Erase(ctx context.Context, id thimble.SubjectID) (thimble.Erasure, error) {
	var done thimble.Erasure
	err := s.db.Write(ctx, func(tx *sqldb.Tx) (err error) {
		done, err = s.erase(ctx, tx, id)
		s.moves(tx, id)
		return err
	})
	if err == nil {
		// Also when nothing was erased: an earlier call may have ended here.
		err = s.truncate(ctx)
	}
	return done, wrap("erasing a person", err)
}

func (s *Store) erase(ctx context.Context, tx *sqldb.Tx, id thimble.SubjectID) (done thimble.Erasure, err error) {
	var facts int64
	if err := tx.QueryRow(ctx, `select count(residence) + count(age) from subject_subjects where id = $1`, id[:]).Scan(&facts); err != nil {
		return done, err
	}
	links, err := s.eraseLinks(ctx, tx, id)
	if err != nil {
		return done, err
	}
	if _, err := tx.Exec(ctx, `insert into subject_suppressions (mark, gen)
		select mark, mark_gen from subject_identifiers where subject = $1 on conflict do nothing`, id[:]); err != nil {
		return done, err
	}
	if _, err := tx.Exec(ctx, `delete from subject_held where subject_id = $1`, id); err != nil {
		return done, err // a hold that keeps nothing of them any more
	}
	identifiers, err := tx.Exec(ctx, `delete from subject_identifiers where subject = $1`, id[:])
	if err != nil {
		return done, err
	}
	if _, err := tx.Exec(ctx, `update subject_subjects set state = 'erased', epoch = epoch + 1, residence = null, created_at = null, seen_on = null,
		age = null, restricted = 0, person = null, joined = null
		where id = $1 and state = 'active'`, id[:]); err != nil {
		return done, err
	}
	done.Erased = int(identifiers + facts + links)
	if identifiers > 0 {
		// The objection that an erasure implies must keep its effect.
		done.Kept = []thimble.Kept{{Count: int(identifiers), What: "keyed hash of an identifier, to recognise it on a list", Law: "GDPR Art. 21(3)"}}
	}
	return done, nil
}

// eraseLinks deletes what links a subject to others, and writes down who of them
// are one person without it.
func (s *Store) eraseLinks(ctx context.Context, tx *sqldb.Tx, id thimble.SubjectID) (int64, error) {
	p, err := person(ctx, tx, id)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil // erased before, and its links with it
	}
	if err != nil {
		return 0, err
	}
	merges, err := tx.Exec(ctx, `delete from subject_merges where survivor = $1 or absorbed = $1`, id[:])
	if err != nil {
		return 0, err
	}
	relations, err := tx.Exec(ctx, `delete from subject_relations where subject = $1 or other = $1`, id[:])
	if err != nil || merges == 0 {
		return merges + relations, err
	}
	return merges + relations, s.regroup(ctx, tx, p.IDs())
}

// truncate empties the write-ahead log, waiting for readers that hold it.
func (s *Store) truncate(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for pause := 5 * time.Millisecond; ; pause *= 2 {
		err := s.db.Truncate(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w (%w)", err, thimble.ErrUnavailable)
		case <-time.After(pause):
		}
	}
}
