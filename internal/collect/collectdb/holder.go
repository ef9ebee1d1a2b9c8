package collectdb

import (
	"context"
	"fmt"
	"iter"
	"time"

	"thimble"
	"thimble/internal/collect"
	"thimble/internal/sqldb"
	"thimble/internal/subject/subjectdb"
)

var _ thimble.Holder = (*Store)(nil)

// HolderName implements [thimble.Holder].
func (s *Store) HolderName() string { return "imports" }

// Places implements [thimble.Holder].
func (s *Store) Places() []thimble.Place {
	return []thimble.Place{{Kind: thimble.TablePlace, Name: "collect_facts"}, {Kind: thimble.TablePlace, Name: "collect_reviews"}}
}

// ExportedReview is a review as who wrote it reads it.
type ExportedReview struct {
	Item   thimble.ItemID `json:"item"`
	Rating float64        `json:"rating"` // stars
	Title  string         `json:"title,omitempty"`
	Text   string         `json:"text,omitempty"`
}

// Export implements [thimble.Holder]: what an import said of them, then their reviews,
// the newest first.
func (s *Store) Export(ctx context.Context, who thimble.SubjectID) iter.Seq2[thimble.Datum, error] {
	return func(yield func(thimble.Datum, error) bool) {
		data, err := s.export(ctx, who)
		for _, d := range data {
			if !yield(d, nil) {
				return
			}
		}
		if err != nil {
			yield(thimble.Datum{}, fmt.Errorf("collect: exporting a person: %w", err))
		}
	}
}

func (s *Store) export(ctx context.Context, who thimble.SubjectID) (data []thimble.Datum, err error) {
	facts, reviews, err := s.sealedOf(ctx, who)
	if err != nil {
		return nil, err
	}
	for _, f := range facts {
		plain, err := s.parts.Keys.Open(ctx, factCell(who, f.fact), f.body)
		if err != nil {
			return data, err
		}
		data = append(data, thimble.Datum{Holder: s.HolderName(), Category: factCategories[f.fact], Name: f.fact, Value: string(plain), At: f.at})
	}
	for _, r := range reviews {
		plain, err := s.parts.Keys.Open(ctx, reviewCell(r), r.body)
		if err != nil {
			return data, err
		}
		text, err := collect.ParseReviewText(plain)
		if err != nil {
			return data, err
		}
		data = append(data, thimble.Datum{Holder: s.HolderName(), Category: collect.ReviewCategory, Name: "review", At: r.at,
			Value: ExportedReview{Item: r.item, Rating: float64(r.rating) / 100, Title: text.Title, Text: text.Text}})
	}
	return data, nil
}

// A datedFact is a fact with when it was last brought.
type datedFact struct {
	sealedFact
	at time.Time
}

func (s *Store) sealedOf(ctx context.Context, who thimble.SubjectID) (facts []datedFact, reviews []reviewRow, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		facts, reviews = nil, nil
		rows, err := tx.Query(ctx, `select fact, body, at from collect_facts where subject_id = $1 order by fact`, who)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			f := datedFact{sealedFact: sealedFact{who: who}}
			var at int64
			if err := rows.Scan(&f.fact, &f.body, &at); err != nil {
				return err
			}
			f.at = time.UnixMicro(at).UTC()
			facts = append(facts, f)
		}
		if err := rows.Err(); err != nil {
			return err
		}
		reviews, err = readReviews(ctx, tx, who)
		return err
	})
	return facts, reviews, err
}

func readReviews(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID) (all []reviewRow, _ error) {
	rows, err := tx.Query(ctx, `select id, item_id, rating, at, body from collect_reviews where subject_id = $1 order by at desc, id desc`, who)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		r := reviewRow{who: who}
		var item string
		var at int64
		if err := rows.Scan(&r.id, &item, &r.rating, &at, &r.body); err != nil {
			return nil, err
		}
		r.item, r.at = thimble.ItemID(item), time.UnixMicro(at).UTC()
		all = append(all, r)
	}
	return all, rows.Err()
}

// Erase implements [thimble.Holder]: it deletes the rows.
func (s *Store) Erase(ctx context.Context, who thimble.SubjectID) (thimble.Erasure, error) {
	var e thimble.Erasure
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		e = thimble.Erasure{}
		for _, r := range holdable() {
			of := r.Subject + ` = $1` + r.also
			gone, err := tx.Exec(ctx, `delete from `+r.Table+` where `+of+` and `+r.Free(), who)
			if err != nil {
				return err
			}
			kept, err := r.Kept(ctx, tx, of, who)
			if err != nil {
				return err
			}
			e.Erased, e.Kept = e.Erased+int(gone), append(e.Kept, kept...)
		}
		return nil
	})
	if err != nil {
		return thimble.Erasure{}, fmt.Errorf("collect: erasing a person: %w", err)
	}
	return e, nil
}

// records are what a hold keeps of a table's rows; of facts, those of one kind.
type records struct {
	subjectdb.Records
	key  string // one column by which a batch is named
	also string
}

func holdable() []records {
	of := func(what, table, key string, c thimble.Category, also string) records {
		return records{subjectdb.Records{What: what, Table: table, Category: c, Subject: table + ".subject_id", At: table + ".at"}, key, also}
	}
	return []records{
		of("names", "collect_facts", "subject_id", factCategories[nameFact], ` and collect_facts.fact = '`+nameFact+`'`),
		of("regions", "collect_facts", "subject_id", factCategories[regionFact], ` and collect_facts.fact = '`+regionFact+`'`),
		of("reviews", "collect_reviews", "id", collect.ReviewCategory, ""),
	}
}

// Expire implements [thimble.Holder]: facts by when they were last brought, reviews by
// when they were written, those of nobody too.
func (s *Store) Expire(ctx context.Context, c thimble.Category, before time.Time) (thimble.Erasure, error) {
	var sum thimble.Erasure
	at := before.UnixMicro()
	for _, r := range holdable() {
		if !r.Category.Within(c) {
			continue
		}
		of := r.At + ` < $1` + r.also
		n, err := s.db.Drain(ctx, `delete from `+r.Table+` where `+of+` and `+r.Free()+` and `+r.key+` in (
			select `+r.key+` from `+r.Table+` where `+of+` and `+r.Free()+` limit 1000)`, at)
		if sum.Erased += n; err != nil {
			return sum, fmt.Errorf("collect: expiring %s: %w", r.What, err)
		}
		err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
			kept, err := r.Records.Kept(ctx, tx, of, at)
			sum.Kept = append(sum.Kept, kept...)
			return err
		})
		if err != nil {
			return sum, fmt.Errorf("collect: counting what is held of %s: %w", r.What, err)
		}
	}
	return sum, nil
}
