package catalogdb

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"thimble"
	"thimble/internal/catalog"
	"thimble/internal/sqldb"
)

const stockHead = `insert into catalog_stock (item_id, place, units, at)`

const stockTail = ` on conflict (item_id, place) do update set units = excluded.units, at = excluded.at where excluded.at >= catalog_stock.at`

// SetStock writes levels of stock. An invalid one is an error of kind ErrInvalid, and
// none is written. Of two for one item and place the later counts.
func (s *Store) SetStock(ctx context.Context, tx *sqldb.Tx, levels []catalog.Stock) error {
	for _, l := range levels {
		if err := l.Validate(); err != nil {
			return err
		}
	}
	if len(levels) == 0 {
		return nil
	}
	touch(tx)
	err := insert(ctx, tx, stockHead, stockTail, 4, latest(levels), func(l catalog.Stock) []any {
		return []any{string(l.Item), l.Place, l.Units, l.At.UnixMicro()}
	})
	if err != nil {
		return fmt.Errorf("catalog: writing %d levels of stock: %w", len(levels), err)
	}
	return nil
}

// latest keeps one level of each item and place: the last one that was counted.
func latest(levels []catalog.Stock) []catalog.Stock {
	sorted := slices.Clone(levels)
	slices.SortStableFunc(sorted, func(a, b catalog.Stock) int {
		return cmp.Or(cmp.Compare(a.Item, b.Item), cmp.Compare(a.Place, b.Place), a.At.Compare(b.At))
	})
	kept := sorted[:0]
	for _, l := range sorted {
		if n := len(kept); n > 0 && kept[n-1].Item == l.Item && kept[n-1].Place == l.Place {
			kept[n-1] = l
			continue
		}
		kept = append(kept, l)
	}
	return kept
}

// Stock returns how much of an item is where, in the order of the places.
func (s *Store) Stock(ctx context.Context, item thimble.ItemID) ([]catalog.Stock, error) {
	var all []catalog.Stock
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		return each(ctx, tx, func(rows *sql.Rows) error {
			l := catalog.Stock{Item: item}
			var at int64
			err := rows.Scan(&l.Place, &l.Units, &at)
			l.At = time.UnixMicro(at).UTC()
			all = append(all, l)
			return err
		}, `select place, units, at from catalog_stock where item_id = $1 order by place`, string(item))
	})
	if err != nil {
		return nil, fmt.Errorf("catalog: reading stock: %w", err)
	}
	return all, nil
}
