package tunedb

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"time"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/recommend"
	"thimble/internal/registry"
	"thimble/internal/sqldb"
)

// A Choice is that somebody chose a recipe for the trainings to come.
type Choice struct {
	Number int64
	Tuning thimble.ID // zero for the recipe that ships
	Recipe recommend.Recipe
	By     string
	Reason string
	At     time.Time

	opening ledger.Opening
}

// How long a reason is, in bytes.
const minReason, maxReason = 10, 500

// Choose has the trainings to come use a recipe that a tuning tried; of the zero tuning, the
// recipe that ships. The error is of kind ErrInvalid for a recipe that it did not try and a
// reason that is too short, ErrNotFound for a tuning that is not there or has not ended.
func (s *Store) Choose(ctx context.Context, tuning thimble.ID, r recommend.Recipe, by, reason string) (c Choice, err error) {
	if by == "" || len(reason) < minReason || len(reason) > maxReason {
		return c, fmt.Errorf("tune: choosing a recipe: a name and a reason of %d to %d bytes were expected: %w", minReason, maxReason, thimble.ErrInvalid)
	}
	c = Choice{Tuning: tuning, Recipe: r, By: by, Reason: reason, At: s.Now().UTC().Truncate(time.Microsecond)}
	err = s.DB.Write(ctx, func(tx *sqldb.Tx) error {
		if err := tried(ctx, tx, tuning, r); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, `select coalesce(max(number), 0) + 1 from recommend_recipes`).Scan(&c.Number); err != nil {
			return err
		}
		record, err := c.record()
		if err != nil {
			return err
		}
		opening, err := s.Ledger.Queue(ctx, tx, ledger.Entry{Class: ledger.Model, At: c.At, Record: record})
		if err != nil {
			return err
		}
		bytes, err := opening.MarshalBinary() // nothing to seal: it names nobody who buys
		if err != nil {
			return err
		}
		of := any(nil)
		if !tuning.IsZero() {
			of = tuning
		}
		_, err = tx.Exec(ctx, `insert into recommend_recipes (number, tuning_id, recipe, staff, reason, at, opening) values ($1, $2, $3, $4, $5, $6, $7)`,
			c.Number, of, string(r.JSON()), by, reason, c.At.UnixMicro(), bytes)
		return err
	})
	if err != nil {
		return c, fmt.Errorf("tune: choosing a recipe: %w", err)
	}
	return c, nil
}

// tried refuses a recipe that nothing speaks for.
func tried(ctx context.Context, tx *sqldb.Tx, tuning thimble.ID, r recommend.Recipe) error {
	if err := r.Check(); err != nil {
		return err
	}
	if tuning.IsZero() {
		if r != recommend.DefaultRecipe() {
			return fmt.Errorf("without a tuning the recipe that ships was expected: %w", thimble.ErrInvalid)
		}
		return nil
	}
	all, err := read(ctx, tx, `where id = $1 and state = 'done'`, tuning)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return fmt.Errorf("no tuning %s has ended: %w", tuning.Token(TuningPrefix), thimble.ErrNotFound)
	}
	if !slices.ContainsFunc(all[0].Report.Points, func(p recommend.TunePoint) bool { return p.Recipe == r }) {
		return fmt.Errorf("tuning %s did not try it: %w", tuning.Token(TuningPrefix), thimble.ErrInvalid)
	}
	return nil
}

// record is what the leaf of a choice commits to.
func (c Choice) record() ([]byte, error) {
	tuning := ""
	if !c.Tuning.IsZero() {
		tuning = c.Tuning.Token(TuningPrefix)
	}
	return json.Marshal(struct {
		Choice int64           `json:"recipe_choice"`
		Tuning string          `json:"tuning,omitempty"`
		Recipe json.RawMessage `json:"recipe"`
		By     string          `json:"by"`
		Reason string          `json:"reason"`
		At     time.Time       `json:"at"`
	}{c.Number, tuning, c.Recipe.JSON(), c.By, c.Reason, c.At})
}

// Choices returns choices, the newest first: the first one counts.
func (s *Store) Choices(ctx context.Context, limit int) ([]Choice, error) {
	return s.choices(ctx, `order by number desc limit $1`, limit)
}

func (s *Store) choices(ctx context.Context, where string, args ...any) (all []Choice, err error) {
	err = s.DB.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, `select number, tuning_id, recipe, staff, reason, at, opening from recommend_recipes `+where, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var c Choice
			var at int64
			var recipe string
			var tuning, opening []byte
			if err := rows.Scan(&c.Number, &tuning, &recipe, &c.By, &c.Reason, &at, &opening); err != nil {
				return err
			}
			copy(c.Tuning[:], tuning)
			c.At = time.UnixMicro(at).UTC()
			_ = c.opening.UnmarshalBinary(opening)                // one that cannot be read is told by the audit
			c.Recipe, err = recommend.ParseRecipe([]byte(recipe)) // one that is spoilt is never trained with
			if err != nil {
				return err
			}
			all = append(all, c)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("tune: reading choices: %w", err)
	}
	return all, nil
}

// Recipe is the recipe for the next training with who chose it, for its lineage; nobody when
// it is the one that ships and nobody chose.
func (s *Store) Recipe(ctx context.Context) (recommend.Recipe, *registry.Chosen, error) {
	all, err := s.Choices(ctx, 1)
	if err != nil || len(all) == 0 {
		return recommend.DefaultRecipe(), nil, err
	}
	return all[0].Recipe, &registry.Chosen{By: all[0].By, At: all[0].At, Choice: all[0].Number}, nil
}

// Claims are what the choices say of their leaves, for an audit.
func (s *Store) Claims(ctx context.Context) iter.Seq2[ledger.Claim, error] {
	return func(yield func(ledger.Claim, error) bool) {
		claims, err := s.claims(ctx)
		ledger.YieldAll(yield, claims, err)
	}
}

func (s *Store) claims(ctx context.Context) (claims []ledger.Claim, err error) {
	all, err := s.choices(ctx, `order by number`)
	if err != nil {
		return nil, err
	}
	for _, c := range all {
		record, err := c.record()
		if err != nil {
			return nil, err
		}
		claims = append(claims, ledger.Claim{Table: "recommend_recipes", Class: ledger.Model, Opening: c.opening, Rule: ledger.RuleIf(string(record) == string(c.opening.Record))})
	}
	return claims, nil
}
