package subjectdb

import (
	"context"
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
		{Kind: "table", Name: "subject_identifiers"},
		{Kind: "table", Name: "subject_suppressions"},
	}
}

// record is all that is stored about a subject.
type record struct {
	createdAt   time.Time
	residence   []byte
	identifiers []SealedIdentifier
}

// Export implements thimble.Holder: identifiers, residence, and since when. It opens
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
			yield(thimble.Datum{}, fmt.Errorf("subjectdb: exporting %s: no opener was given: %w", id, thimble.ErrDenied))
			return
		}
		s.export(ctx, id, r, yield)
	}
}

func (s *Store) export(ctx context.Context, id thimble.SubjectID, r record, yield func(thimble.Datum, error) bool) {
	for _, i := range r.identifiers {
		plain, err := s.cfg.Opener.Open(ctx, i.Cell, i.Sealed)
		d := thimble.Datum{Holder: "subject", Category: i.Kind.Category(), Name: string(i.Kind), Value: string(plain), At: i.CreatedAt}
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
	yield(thimble.Datum{Holder: "subject", Category: thimble.Pseudonym, Name: "known since", Value: id.String(), At: r.createdAt}, nil)
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
		if err := tx.QueryRow(ctx, `select created_at, residence from subject_subjects
			where id = $1 and state = 'active'`, id[:]).Scan(&at, &r.residence); err != nil {
			return err
		}
		r.createdAt = time.UnixMicro(at).UTC()
		r.identifiers, err = sealedIdentifiers(ctx, tx, id)
		return err
	})
	return r, wrap("reading "+id.String(), err)
}

// Erase implements thimble.Holder. Of the person stay a bare id, so that it is never
// given again, and a keyed hash of each identifier, so that an old list does not
// bring the person back; nothing tells which hash was whose.
func (s *Store) Erase(ctx context.Context, id thimble.SubjectID) (thimble.Erasure, error) {
	var done thimble.Erasure
	err := s.db.Write(ctx, func(tx *sqldb.Tx) (err error) {
		done, err = erase(ctx, tx, id)
		s.moves(tx, id)
		return err
	})
	if err == nil {
		// Also when nothing was erased: an earlier call may have ended here.
		err = s.truncate(ctx)
	}
	return done, wrap("erasing "+id.String(), err)
}

func erase(ctx context.Context, tx *sqldb.Tx, id thimble.SubjectID) (done thimble.Erasure, err error) {
	var residences int64
	if err := tx.QueryRow(ctx, `select count(residence) from subject_subjects where id = $1`, id[:]).Scan(&residences); err != nil {
		return done, err
	}
	if _, err := tx.Exec(ctx, `insert into subject_suppressions (mark)
		select mark from subject_identifiers where subject = $1 on conflict do nothing`, id[:]); err != nil {
		return done, err
	}
	identifiers, err := tx.Exec(ctx, `delete from subject_identifiers where subject = $1`, id[:])
	if err != nil {
		return done, err
	}
	if _, err := tx.Exec(ctx, `update subject_subjects set state = 'erased', epoch = epoch + 1, residence = null, created_at = null
		where id = $1 and state = 'active'`, id[:]); err != nil {
		return done, err
	}
	done.Erased = int(identifiers + residences)
	if identifiers > 0 {
		// The objection that an erasure implies must keep its effect.
		done.Kept = []thimble.Kept{{Count: int(identifiers), What: "keyed hash of an identifier, to recognise it on a list", Law: "GDPR Art. 21(3)"}}
	}
	return done, nil
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
