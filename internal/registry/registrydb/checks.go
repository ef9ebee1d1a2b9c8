package registrydb

import (
	"context"
	"time"

	"thimble/internal/registry"
	"thimble/internal/sqldb"
)

// A Check is what verifications of one version found, one after the other.
type Check struct {
	Model       string
	Version     int64
	Since, Last time.Time
	Times       int64
	Rule        registry.Rule // that was broken; "" for none
}

// keepChecks is how many findings are kept of a model.
const keepChecks = 1000

// note writes down what a verification found. Equal findings in a row are one.
func (s *Store) note(ctx context.Context, v Version, rule registry.Rule) error {
	at := s.now().UnixMicro()
	return s.db.Write(ctx, func(tx *sqldb.Tx) error {
		done, err := tx.Exec(ctx, `update registry_checks set last = $1, times = times + 1 where model = $2 and version = $3 and rule = $4
			and since = (select max(since) from registry_checks where model = $2 and version = $3)`, at, v.Model, v.Number, string(rule))
		if err != nil || done > 0 {
			return err
		}
		if _, err := tx.Exec(ctx, `insert into registry_checks (model, version, since, last, times, rule) values ($1, $2, $3, $3, 1, $4)
			on conflict (model, since, version) do update set last = excluded.last, rule = excluded.rule`, v.Model, v.Number, at, string(rule)); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `delete from registry_checks where model = $1 and since < (select since from registry_checks where model = $1 order by since desc limit 1 offset $2)`, v.Model, keepChecks)
		return err
	})
}

// Checks returns the newest findings about a model.
func (s *Store) Checks(ctx context.Context, model string, limit int) (all []Check, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, `select model, version, since, last, times, rule from registry_checks where model = $1 order by last desc, version desc limit $2`, model, limit)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var c Check
			var since, last int64
			if err := rows.Scan(&c.Model, &c.Version, &since, &last, &c.Times, &c.Rule); err != nil {
				return err
			}
			c.Since, c.Last = time.UnixMicro(since).UTC(), time.UnixMicro(last).UTC()
			all = append(all, c)
		}
		return rows.Err()
	})
	return all, err
}
