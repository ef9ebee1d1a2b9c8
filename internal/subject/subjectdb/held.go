package subjectdb

import (
	"context"
	"fmt"
	"time"

	"thimble"
	"thimble/internal/sqldb"
)

// Records are rows of a table that a hold can keep one by one: those of a category, of
// the people and the times that it names. Who deletes such rows leaves out what is held,
// in the statement that deletes, so that no order of events destroys it.
type Records struct {
	What     string // in words that people read, such as "orders"
	Table    string
	Category thimble.Category
	Subject  string // the column, as the statement calls it
	At       string // the column of the row's own time, in UTC microseconds
}

func (r Records) held() string {
	return `h.category = '` + string(r.Category) + `' and (h.subject_id is null or h.subject_id = ` + r.Subject + `) and ` + r.At + ` >= h.from_at and ` + r.At + ` < h.until_at`
}

// Free is the condition that no hold keeps a row.
func (r Records) Free() string {
	return `not exists (select 1 from subject_held h where ` + r.held() + `)`
}

// Kept counts what holds keep of the rows that a condition names, by law. What two laws
// keep is counted under both.
func (r Records) Kept(ctx context.Context, tx *sqldb.Tx, where string, args ...any) (all []thimble.Kept, err error) {
	rows, err := tx.Query(ctx, `select h.law, count(*) from `+r.Table+` join subject_held h on `+r.held()+` where `+where+` group by h.law order by h.law`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		k := thimble.Kept{What: r.What}
		if err := rows.Scan(&k.Law, &k.Count); err != nil {
			return nil, err
		}
		all = append(all, k)
	}
	return all, rows.Err()
}

// A HeldLine is one line of what a hold keeps.
type HeldLine struct {
	Subject     thimble.SubjectID // zero: everybody's
	Category    thimble.Category
	From, Until time.Time // zero: open
	Law         string
}

// forever is the end of a hold that names none: 9999-12-31.
const forever = 253402214400000000

// HoldTx says in the caller's transaction what a hold keeps, in the place of what it kept
// before. What was deleted before that is not held; who opens a hold sees to it that
// nothing is being erased meanwhile.
func (s *Store) HoldTx(ctx context.Context, tx *sqldb.Tx, hold thimble.ID, lines ...HeldLine) error {
	if _, err := tx.Exec(ctx, `delete from subject_held where hold_id = $1`, hold); err != nil {
		return fmt.Errorf("subject: ending what a hold keeps: %w", err)
	}
	for i, l := range lines {
		from, until := int64(-forever), int64(forever)
		if !l.From.IsZero() {
			from = l.From.UnixMicro()
		}
		if !l.Until.IsZero() {
			until = l.Until.UnixMicro()
		}
		if _, err := tx.Exec(ctx, `insert into subject_held (hold_id, n, subject_id, category, from_at, until_at, law) values ($1, $2, $3, $4, $5, $6, $7)`,
			hold, i, l.Subject, string(l.Category), from, until, l.Law); err != nil {
			return fmt.Errorf("subject: saying what a hold keeps: %w", err)
		}
	}
	return nil
}
