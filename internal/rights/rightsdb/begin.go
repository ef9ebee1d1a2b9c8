package rightsdb

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"thimble"
	"thimble/internal/rights"
	"thimble/internal/sqldb"
)

// Begin implements rights.Store.
func (s *Store) Begin(ctx context.Context, asked rights.Request) (r rights.Request, err error) {
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		r, err = s.BeginTx(ctx, tx, asked)
		return err
	})
	return r, err
}

// BeginTx is Begin in the caller's transaction, for what must be done because of what
// it writes.
func (s *Store) BeginTx(ctx context.Context, tx *sqldb.Tx, asked rights.Request) (r rights.Request, err error) {
	if r, err = s.draft(asked); err != nil {
		return r, err
	}
	report, err := json.Marshal(r.Report)
	if err != nil {
		return r, err
	}
	if before, found, err := earlier(ctx, tx, r); err != nil || found {
		return before, err
	}
	if !r.Subject.IsZero() {
		if _, err := s.subjects.Alive(ctx, tx, r.Subject); err != nil {
			return r, err
		}
	}
	_, err = tx.Exec(ctx, `insert into rights_requests (id, subject_id, others, kind, state, at, report, opening)
		values ($1, $2, $3, $4, 'executing', $5, $6, $7)`,
		r.ID, r.Subject, joined(r.Others), string(r.Kind), r.At.UnixMicro(), string(report), []byte{})
	return r, err
}

func (s *Store) draft(r rights.Request) (rights.Request, error) {
	if r.ID.IsZero() {
		id, err := thimble.NewID(nil)
		if err != nil {
			return r, err
		}
		r.ID = id
	}
	r.State, r.At = rights.Executing, s.now().UTC().Truncate(time.Microsecond)
	r.Report.Request, r.Report.Kind, r.Report.At = r.ID.Token(rights.TokenPrefix), r.Kind, r.At
	return r, nil
}

// earlier finds the request that a new one would only repeat.
func earlier(ctx context.Context, tx *sqldb.Tx, r rights.Request) (found rights.Request, ok bool, err error) {
	var all []rights.Request
	switch r.Kind {
	case rights.Access:
		day := r.At.Truncate(24 * time.Hour)
		all, err = list(ctx, tx, `where subject_id = $1 and kind = 'access' and at >= $2 order by at, id limit 1`, r.Subject, day.UnixMicro())
	case rights.Erase:
		all, err = list(ctx, tx, `where kind = 'erase' and state = 'executing' order by at, id`)
		all = slices.DeleteFunc(all, func(o rights.Request) bool {
			return o.Subject != r.Subject && !slices.Contains(o.Others, r.Subject)
		})
	case rights.Restrict, rights.Lift:
		all, err = list(ctx, tx, `where subject_id = $1 and kind in ('restrict', 'lift') and state = 'executing' order by at, id limit 1`, r.Subject)
		if err == nil && len(all) > 0 && all[0].Kind != r.Kind {
			err = fmt.Errorf("rights: request %s, which asks the opposite, is not done yet: %w", all[0].ID.Token(rights.TokenPrefix), thimble.ErrConflict)
		}
	}
	if err != nil || len(all) == 0 {
		return found, false, err
	}
	return all[0], true, nil
}

// Note implements rights.Store: what was found out so far survives a crash.
func (s *Store) Note(ctx context.Context, r rights.Request) error {
	report, err := json.Marshal(r.Report)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, `update rights_requests set report = $1, subject_id = $2, others = $3 where id = $4 and state = 'executing'`,
			string(report), r.Subject, joined(r.Others), r.ID)
		return err
	})
}

// joined is how several subjects lie in one column: one after the other, or nothing.
func joined(all []thimble.SubjectID) any {
	if len(all) == 0 {
		return nil
	}
	var b []byte
	for _, s := range all {
		b = append(b, s[:]...)
	}
	return b
}

func split(b []byte) (all []thimble.SubjectID) {
	for part := range slices.Chunk(b, len(thimble.SubjectID{})) {
		if len(part) == len(thimble.SubjectID{}) {
			all = append(all, thimble.SubjectID(part))
		}
	}
	return all
}
