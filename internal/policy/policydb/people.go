package policydb

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"thimble"
	"thimble/internal/policy"
	"thimble/internal/sqldb"
)

// KeepPeople replaces the counts of people.
func (s *Store) KeepPeople(ctx context.Context, groups []policy.Group) error {
	at := s.now().UnixMicro()
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		if _, err := tx.Exec(ctx, `delete from policy_people`); err != nil {
			return err
		}
		for part := range slices.Chunk(groups, perInsert) {
			var values []string
			var args []any
			for i, g := range part {
				n := 5 * i
				values = append(values, fmt.Sprintf("($%d, $%d, $%d, $%d, $%d)", n+1, n+2, n+3, n+4, n+5))
				permits := make([]string, len(g.Permits))
				for j, p := range g.Permits {
					permits[j] = string(p)
				}
				args = append(args, strings.Join(g.Places, "+"), g.Age, strings.Join(permits, " "), g.People, at)
			}
			if _, err := tx.Exec(ctx, `insert into policy_people (places, age, permits, people, at) values `+strings.Join(values, ", "), args...); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("policy: keeping the counts of people: %w", err)
	}
	return nil
}

// A Census is the people on file as groups, and when they were counted. It is a
// policy.Population.
type Census struct {
	At  time.Time
	All []policy.Group
}

// Groups implements policy.Population.
func (c Census) Groups(context.Context) iter.Seq2[policy.Group, error] {
	return func(yield func(policy.Group, error) bool) {
		for _, g := range c.All {
			if !yield(g, nil) {
				return
			}
		}
	}
}

// Count returns how many people there are.
func (c Census) Count() (n int64) {
	for _, g := range c.All {
		n += g.People
	}
	return n
}

// People returns the newest counts; the error is of kind thimble.ErrNotFound when
// nobody was counted yet.
func (s *Store) People(ctx context.Context) (c Census, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		c = Census{}
		rows, err := tx.Query(ctx, `select places, age, permits, people, at from policy_people order by places, age, permits`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var places, permits string
			var at int64
			var g policy.Group
			if err := rows.Scan(&places, &g.Age, &permits, &g.People, &at); err != nil {
				return err
			}
			if places != "" {
				g.Places = strings.Split(places, "+")
			}
			for p := range strings.FieldsSeq(permits) {
				g.Permits = append(g.Permits, thimble.Purpose(p))
			}
			c.At, c.All = time.UnixMicro(at).UTC(), append(c.All, g)
		}
		return rows.Err()
	})
	if err == nil && len(c.All) == 0 {
		err = fmt.Errorf("policy: the people on file were not counted yet: %w", thimble.ErrNotFound)
	}
	if err != nil && !errors.Is(err, thimble.ErrNotFound) {
		err = fmt.Errorf("policy: reading the counts of people: %w", err)
	}
	return c, err
}
