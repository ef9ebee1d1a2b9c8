package catalogdb

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"thimble/internal/catalog"
	"thimble/internal/sqldb"
)

// Page returns a part of the products that q asks for.
func (s *Store) Page(ctx context.Context, q catalog.Query) (catalog.Page, error) {
	q, err := q.Normal()
	if err != nil {
		return catalog.Page{}, err
	}
	var after catalog.Position
	if q.After != "" {
		if after, err = q.Position(); err != nil {
			return catalog.Page{}, err
		}
	}
	var page catalog.Page
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		page = catalog.Page{}
		w := filter(q)
		if err := tx.QueryRow(ctx, `select count(*) from catalog_products`+w.sql(), w.args...).Scan(&page.Total); err != nil {
			return err
		}
		return list(ctx, tx, q, after, w, &page)
	})
	if err != nil {
		return catalog.Page{}, fmt.Errorf("catalog: reading a page: %w", err)
	}
	return page, nil
}

func list(ctx context.Context, tx *sqldb.Tx, q catalog.Query, after catalog.Position, w where, page *catalog.Page) error {
	key := map[string]string{catalog.ByName: "name", catalog.ByPrice: "price_minor", catalog.BySold: "sold_units"}[q.Sort]
	direction, beyond := "", ">"
	if q.Desc {
		direction, beyond = " desc", "<"
	}
	if q.After != "" {
		var value any = after.Num
		if q.Sort == catalog.ByName {
			value = after.Text
		}
		w.add(`(`+key+`, id) `+beyond+` (?, ?)`, value, string(after.ID))
	}
	w.args = append(w.args, q.Limit+1)
	query := fmt.Sprintf(`select %s from catalog_products%s order by %s%s, id%s limit $%d`,
		columns, w.sql(), key, direction, direction, len(w.args))
	err := each(ctx, tx, func(rows *sql.Rows) error {
		l, err := scan(rows)
		page.Products = append(page.Products, l)
		return err
	}, query, w.args...)
	if err == nil && len(page.Products) > q.Limit {
		page.Products = page.Products[:q.Limit]
		page.Next = position(q, page.Products[q.Limit-1]).Cursor()
	}
	return err
}

func position(q catalog.Query, l catalog.Listed) catalog.Position {
	p := catalog.Position{Sort: q.Sort, Desc: q.Desc, ID: l.ID}
	switch q.Sort {
	case catalog.ByName:
		p.Text = l.Name
	case catalog.ByPrice:
		p.Num = l.Price.Minor
	default:
		p.Num = l.SoldUnits
	}
	return p
}

// where gathers conditions and their parameters.
type where struct {
	conditions []string
	args       []any
}

// add appends a condition; each ? in it becomes the next parameter.
func (w *where) add(condition string, args ...any) {
	for _, a := range args {
		w.args = append(w.args, a)
		condition = strings.Replace(condition, "?", fmt.Sprintf("$%d", len(w.args)), 1)
	}
	w.conditions = append(w.conditions, condition)
}

func (w *where) sql() string {
	if len(w.conditions) == 0 {
		return ""
	}
	return " where " + strings.Join(w.conditions, " and ")
}

var likeEscape = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

func filter(q catalog.Query) (w where) {
	for _, word := range q.Words() {
		w.add(`words like ? escape '\'`, "%"+likeEscape.Replace(word)+"%")
	}
	if q.Category != "" {
		w.add(`category = ?`, q.Category)
	}
	if q.Kind != "" {
		w.add(`kind = ?`, string(q.Kind))
	}
	return w
}
