package collectdb

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"thimble"
	"thimble/internal/collect"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
)

// A reviewRow is a review as it is written.
type reviewRow struct {
	id     thimble.ID
	who    thimble.SubjectID // zero: nobody who is known
	lookup []byte
	item   thimble.ItemID
	rating int64
	at     time.Time
	body   []byte
}

// reviewCell is where a review's text is sealed.
func reviewCell(r reviewRow) thimble.Cell {
	return thimble.Cell{Owner: r.who, Table: "collect_reviews", Column: "body", Row: r.id[:], Category: collect.ReviewCategory}
}

func (r *run) reviews(ctx context.Context, all []collect.Review) (writer, error) {
	rows := make([]named, len(all))
	for i, v := range all {
		if v.Customer.Kind == "" {
			continue
		}
		rows[i].all, rows[i].at = []subject.Identifier{v.Customer}, v.At
		if !v.Anonymous {
			rows[i].ids = rows[i].all
		}
		if v.Beside.Kind != "" {
			rows[i].all = []subject.Identifier{v.Customer, v.Beside}
		}
	}
	l, err := r.resolve(ctx, rows, true)
	if err == nil {
		err = r.complete(ctx, l, nil)
	}
	if err != nil {
		return nil, err
	}
	sealed := make([]reviewRow, 0, len(all))
	for i, v := range all {
		if l.forgotten[i] {
			continue
		}
		row, err := r.sealReview(ctx, v, l.rows[i])
		if err != nil {
			return nil, err
		}
		sealed = append(sealed, row)
	}
	return func(ctx context.Context, tx *sqldb.Tx, o *outcome) error {
		for i, v := range all {
			switch {
			case l.forgotten[i]:
				o.add.Suppressed++
				continue
			case l.rows[i] == nil:
				o.add.Nobody++
				if v.Text.Reveal() != (collect.ReviewText{}) { // to count it; it is not kept
					o.add.Dropped++
				}
			case v.Redacted:
				o.add.Redacted++
			}
		}
		if err := r.writeMembers(ctx, tx, o, l); err != nil {
			return err
		}
		for _, row := range sealed {
			if err := writeReview(ctx, tx, o, row); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

// sealReview drafts a review. Of nobody who is known no text is kept, for it could not
// be erased, and of the time only the day.
func (r *run) sealReview(ctx context.Context, v collect.Review, m *member) (row reviewRow, err error) {
	row = reviewRow{item: v.Item, rating: v.Rating, at: v.At}
	if row.at.IsZero() {
		row.at = r.now().UTC()
	}
	text := v.Text.Reveal() // to seal it
	if m == nil {
		text, row.at = collect.ReviewText{}, row.at.UTC().Truncate(24*time.Hour)
	}
	plain, err := text.Bytes()
	if err != nil {
		return row, err
	}
	if row.lookup, err = r.parts.Keys.Index(ctx, "review", reviewName(v, plain)); err != nil {
		return row, err
	}
	if row.id, err = thimble.NewID(r.rand); err != nil {
		return row, err
	}
	if m != nil {
		row.who = m.id
	}
	if row.body, err = r.parts.Keys.Seal(ctx, reviewCell(row), plain); err != nil {
		return row, fmt.Errorf("collect: sealing a review: %w", err)
	}
	return row, nil
}

// reviewName is what makes a review one: its number, or else who says what of which item.
// That of nobody has no name but what is kept of it in the clear.
func reviewName(v collect.Review, text []byte) string {
	if v.Nobodys() {
		day := ""
		if !v.At.IsZero() {
			day = v.Day().Format(time.DateOnly)
		}
		return fmt.Sprintf("nobody\x00%s\x00%s\x00%d\x00%d", v.Item, day, v.Rating, v.Nth)
	}
	if v.Number != "" {
		return "number\x00" + v.Number
	}
	at := ""
	if !v.At.IsZero() {
		at = v.At.UTC().Format(time.RFC3339Nano)
	}
	said := sha256.Sum256(text)
	// The customer is revealed to be hashed under the installation's key.
	return fmt.Sprintf("%s\x00%s\x00%s\x00%s\x00%d\x00%s", v.Customer.Kind, v.Customer.Value.Reveal(), v.Item, at, v.Rating, hex.EncodeToString(said[:]))
}

func writeReview(ctx context.Context, tx *sqldb.Tx, o *outcome, row reviewRow) error {
	n, err := tx.Exec(ctx, `insert into collect_reviews (id, subject_id, lookup, item_id, rating, at, body) values ($1, $2, $3, $4, $5, $6, $7)
		on conflict (lookup) do nothing`, row.id, row.who, row.lookup, string(row.item), row.rating, row.at.UnixMicro(), row.body)
	if err != nil {
		return fmt.Errorf("collect: writing a review: %w", err)
	}
	if n == 0 {
		o.add.Known++
		return nil
	}
	o.add.Written++
	return nil
}
