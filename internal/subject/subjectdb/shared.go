package subjectdb

import (
	"context"
	"time"

	"thimble"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
)

// shared is the kind of index under which devices are known that several people use.
// A mark is of no subject, so that it tells nothing of who they were.
const shared = "shared-device"

// SharedFor is how long a device is known as shared: then the shop's own cookie of it is
// as good as gone.
const SharedFor = 400 * 24 * time.Hour

func (s *Store) sharedMark(ctx context.Context, id subject.Identifier) ([]byte, error) {
	// The value is revealed to be hashed under the vault's key.
	return s.keys.Index(ctx, shared, id.Value.Reveal())
}

// Share says that several people use a device, which joins nobody and leads to nobody
// from then on: whoever has it as an identifier loses it. What came in by it stays theirs.
func (s *Store) Share(ctx context.Context, tx *sqldb.Tx, device subject.Identifier) error {
	const doing = "keeping that a device is shared"
	device, err := subject.Normalize(device)
	if err != nil {
		return err
	}
	mark, err := s.sharedMark(ctx, device)
	if err != nil {
		return wrap(doing, err)
	}
	if _, err := tx.Exec(ctx, `insert into subject_shared (mark, at) values ($1, $2) on conflict (mark) do update set at = excluded.at`, mark, s.cfg.Now().UnixMicro()); err != nil {
		return wrap(doing, err)
	}
	owner, err := s.OwnerTx(ctx, tx, device)
	if err != nil || owner.IsZero() {
		return wrap(doing, err)
	}
	return s.Remove(ctx, tx, owner, device)
}

// Unshare lets go of the devices of which it was not seen for [SharedFor] that several
// people use, and returns how many. Whoever serves calls it from time to time.
func (s *Store) Unshare(ctx context.Context) (int, error) {
	return s.unshare(ctx, s.cfg.Now().Add(-SharedFor))
}

func (s *Store) unshare(ctx context.Context, before time.Time) (int, error) {
	n, err := s.db.Drain(ctx, `delete from subject_shared where mark in (select mark from subject_shared where at < $1 limit 1000)`, before.UnixMicro())
	return n, wrap("letting go of shared devices", err)
}

// OwnerTx returns who has an identifier, zero for nobody, in the caller's transaction.
func (s *Store) OwnerTx(ctx context.Context, tx *sqldb.Tx, id subject.Identifier) (thimble.SubjectID, error) {
	g, err := readGenerations(ctx, tx)
	if err != nil {
		return thimble.SubjectID{}, err
	}
	blinds, err := s.blinds(ctx, id, g)
	if err != nil {
		return thimble.SubjectID{}, err
	}
	found := make([]thimble.SubjectID, 1)
	l := &lookup{blinds: blinds, at: make([]int, len(blinds))}
	err = l.run(ctx, tx, id.Kind, found)
	return found[0], err
}

// SharedTx reports, for each identifier, whether it is a device that several people
// use, in the caller's transaction.
func (s *Store) SharedTx(ctx context.Context, tx *sqldb.Tx, ids []subject.Identifier) ([]bool, error) {
	const doing = "looking for shared devices"
	known, err := normalized(ids)
	if err != nil {
		return nil, err
	}
	are := make([]bool, len(ids))
	var marks [][]byte
	at := map[string][]int{}
	for i, id := range known {
		if id.Kind != subject.Device {
			continue
		}
		mark, err := s.sharedMark(ctx, id)
		if err != nil {
			return nil, wrap(doing, err)
		}
		if at[string(mark)] == nil {
			marks = append(marks, mark)
		}
		at[string(mark)] = append(at[string(mark)], i)
	}
	since := s.cfg.Now().Add(-SharedFor).UnixMicro()
	err = inChunks(marks, func(_ int, list string, args []any) error {
		rows, err := tx.Query(ctx, `select mark, at from subject_shared where mark in (`+list+`)`, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var mark []byte
			var when int64
			if err := rows.Scan(&mark, &when); err != nil {
				return err
			}
			for _, i := range at[string(mark)] {
				are[i] = when >= since
			}
		}
		return rows.Err()
	})
	return are, wrap(doing, err)
}

// HasTx reports whether any of a person's subjects has an identifier of a kind, in the
// caller's transaction.
func (s *Store) HasTx(ctx context.Context, tx *sqldb.Tx, p subject.Person, k subject.Kind) (has bool, err error) {
	err = inChunks(keysOf(p.IDs()), func(_ int, list string, args []any) error {
		var n int
		err := tx.QueryRow(ctx, `select count(*) from subject_identifiers where kind = '`+string(k)+`' and subject in (`+list+`)`, args...).Scan(&n)
		has = has || n > 0
		return err
	})
	return has, wrap("looking for an identifier", err)
}
