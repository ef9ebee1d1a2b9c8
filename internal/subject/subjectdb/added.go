package subjectdb

import (
	"context"
	"time"

	"thimble"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
)

// AddedTx returns when a person was last given an identifier of a kind, in the caller's
// transaction: zero when never, or only when they were made. What lies within a minute of
// that came with them.
func (s *Store) AddedTx(ctx context.Context, tx *sqldb.Tx, id thimble.SubjectID, k subject.Kind) (newest time.Time, err error) {
	p, err := person(ctx, tx, id)
	if err != nil {
		return newest, wrap("reading the person of a person", err)
	}
	for _, who := range p.IDs() {
		var at int64
		err := tx.QueryRow(ctx, `select coalesce(max(i.created_at), 0) from subject_identifiers i join subject_subjects s on s.id = i.subject
			where i.subject = $1 and i.kind = $2 and i.created_at > s.created_at + $3`, who[:], string(k), time.Minute.Microseconds()).Scan(&at)
		if err != nil {
			return newest, wrap("reading when an identifier was added", err)
		}
		if t := time.UnixMicro(at).UTC(); at > 0 && t.After(newest) {
			newest = t
		}
	}
	return newest, nil
}
