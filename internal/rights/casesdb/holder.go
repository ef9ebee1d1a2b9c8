package casesdb

import (
	"context"
	"fmt"
	"iter"
	"time"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/rights/cases"
	"thimble/internal/sqldb"
)

// HolderName implements thimble.Holder.
func (s *Store) HolderName() string { return "cases" }

// Places implements thimble.Holder.
func (s *Store) Places() []thimble.Place {
	return []thimble.Place{{Kind: thimble.TablePlace, Name: "cases_requests"}, {Kind: thimble.TablePlace, Name: "cases_steps"}, {Kind: thimble.TablePlace, Name: "cases_agents"}}
}

// A case as its person reads it.
type exported struct {
	Kind  cases.Kind     `json:"kind"`
	State cases.State    `json:"state"`
	Via   cases.Via      `json:"via"`
	Agent string         `json:"agent,omitempty"`
	Says  []cases.Stated `json:"agent_says,omitempty"`
	// Attorney is which power of attorney the agent says it has.
	Attorney string `json:"power_of_attorney,omitempty"`
	// Chain is the token of the firm that the person asked first.
	Chain string         `json:"passed_on,omitempty"`
	Due   time.Time      `json:"due"`
	Rule  string         `json:"rule"`
	Steps []exportedStep `json:"steps"`
}

type exportedStep struct {
	What  cases.What `json:"what"`
	At    time.Time  `json:"at"`
	By    string     `json:"by"`
	Words string     `json:"words,omitempty"`
	Fix   *cases.Fix `json:"correction,omitempty"`
}

// Export implements thimble.Holder: each case, with what was written.
func (s *Store) Export(ctx context.Context, who thimble.SubjectID) iter.Seq2[thimble.Datum, error] {
	return func(yield func(thimble.Datum, error) bool) {
		all, err := s.list(ctx, `where subject_id = $1 order by at, id`, who)
		for _, c := range all {
			out, exportErr := s.export(ctx, c)
			if exportErr != nil {
				err = exportErr
				break
			}
			if !yield(thimble.Datum{Holder: s.HolderName(), Category: thimble.PrivacyPreferences, Name: c.ID.Token(cases.TokenPrefix), Value: out, At: c.At}, nil) {
				return
			}
		}
		if err != nil {
			yield(thimble.Datum{}, fmt.Errorf("cases: exporting a person: %w", err))
		}
	}
}

func (s *Store) export(ctx context.Context, c cases.Case) (exported, error) {
	out := exported{Kind: c.Kind, State: c.State, Via: c.Via, Agent: c.AgentName, Says: c.Stated, Due: c.Due, Rule: c.Rule}
	if c.Agent != "" {
		attorney, err := s.attorney(ctx, c.ID)
		if err != nil {
			return out, err
		}
		out.Attorney = attorney.Reveal() // for the person's own archive
		err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
			chain, err := s.ChainTx(ctx, tx, c.ID)
			out.Chain = chain.Reveal() // for the person's own archive
			return err
		})
		if err != nil {
			return out, err
		}
	}
	all, err := s.Steps(ctx, c.ID)
	for _, k := range all {
		var words cases.Words
		if k.words != nil {
			plain, err := s.parts.Vault.Open(ctx, wordsCell(k.Subject, k.Case, k.N), k.words)
			if err == nil {
				words, err = cases.ParseWords(plain, k.Step)
			}
			if err != nil {
				return out, err
			}
		}
		by := k.By
		if k.Staff != "" {
			by = k.Staff
		}
		out.Steps = append(out.Steps, exportedStep{k.What, k.At, by, words.Text, words.Fix})
	}
	return out, err
}

// Erase implements thimble.Holder. What is open is closed, but for the case that the
// erasure answers, which is closed when that is done. The steps stay, without a person
// and without a word that was written.
func (s *Store) Erase(ctx context.Context, who thimble.SubjectID) (e thimble.Erasure, err error) {
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		e = thimble.Erasure{}
		open, err := list(ctx, tx, `where subject_id = $1 and closed_at is null order by at, id`, who)
		for _, c := range open {
			if c.Kind == cases.Erase && (c.State == cases.Executing || c.State == cases.Waiting) {
				continue
			}
			if _, err := s.next(ctx, tx, c, cases.Event{What: cases.Gone, By: cases.TheProgram}, thimble.Hide("")); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
		n, err := unlink(ctx, tx, `subject_id = $1`, who)
		e.Erased = int(n)
		return err
	})
	if err != nil {
		return e, fmt.Errorf("cases: erasing a person: %w", err)
	}
	return e, nil
}

// unlink takes the person out of cases, and what was written with them.
func unlink(ctx context.Context, tx *sqldb.Tx, which string, args ...any) (int64, error) {
	if _, err := tx.Exec(ctx, `update cases_steps set words = null where words is not null and case_id in (select id from cases_requests where `+which+`)`, args...); err != nil {
		return 0, err
	}
	if _, err := tx.Exec(ctx, `update cases_agents set attorney = null, chain = null where (attorney is not null or chain is not null) and case_id in (select id from cases_requests where `+which+`)`, args...); err != nil {
		return 0, err
	}
	return tx.Exec(ctx, `update cases_requests set subject_id = null where id in (select id from cases_requests where `+which+`)`, args...)
}

// Expire implements thimble.Holder: what is closed and older is unlinked from whose it
// was. That it was asked and answered stays, without a person.
func (s *Store) Expire(ctx context.Context, c thimble.Category, before time.Time) (e thimble.Erasure, err error) {
	if !thimble.PrivacyPreferences.Within(c) {
		return e, nil
	}
	for {
		var n int64
		err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
			n, err = unlink(ctx, tx, `at < $1 and subject_id is not null and closed_at is not null order by at, id limit 1000`, before.UnixMicro())
			return err
		})
		if err != nil {
			return e, fmt.Errorf("cases: expiring: %w", err)
		}
		if e.Erased += int(n); n < 1000 {
			break
		}
	}
	var open int
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(ctx, `select count(*) from cases_requests where at < $1 and subject_id is not null and closed_at is null`, before.UnixMicro()).Scan(&open)
	})
	if err != nil {
		return e, fmt.Errorf("cases: counting what is open: %w", err)
	}
	if open > 0 {
		e.Kept = []thimble.Kept{{Count: open, What: "requests that are not answered yet", Law: "GDPR Art. 12(3)"}}
	}
	return e, nil
}

const claimsPage = 500

// Claims holds each step against its leaf, and each case against its newest step.
func (s *Store) Claims(ctx context.Context) iter.Seq2[ledger.Claim, error] {
	return func(yield func(ledger.Claim, error) bool) {
		after, n := thimble.ID{}, 0
		for {
			var page []claimed
			err := s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
				page, err = claims(ctx, tx, after, n)
				return err
			})
			if err != nil {
				yield(ledger.Claim{}, fmt.Errorf("cases: reading what has a leaf: %w", err))
				return
			}
			for _, c := range page {
				after, n = c.id, c.n
				if !yield(c.Claim, nil) {
					return
				}
			}
			if len(page) < claimsPage {
				return
			}
		}
	}
}

type claimed struct {
	ledger.Claim
	id thimble.ID
	n  int
}

func claims(ctx context.Context, tx *sqldb.Tx, after thimble.ID, n int) (all []claimed, err error) {
	rows, err := tx.Query(ctx, `select s.case_id, s.n, s.what, s.at, s.opening, c.kind, c.via, c.state, c.due_at, c.steps
		from cases_steps s join cases_requests c on c.id = s.case_id
		where (s.case_id, s.n) > ($1, $2) order by s.case_id, s.n limit $3`, after[:], n, claimsPage)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		c := claimed{Claim: ledger.Claim{Table: "cases_steps", Class: ledger.Request}}
		var what, kind, via, state string
		var at, due int64
		var steps int
		var opening []byte
		if err := rows.Scan(&c.id, &c.n, &what, &at, &opening, &kind, &via, &state, &due, &steps); err != nil {
			return nil, err
		}
		if c.Err = c.Opening.UnmarshalBinary(opening); c.Err == nil {
			step, err := cases.UnmarshalStep(c.Opening.Record)
			agree := err == nil && step.Case == c.id.Token(cases.TokenPrefix) && step.N == c.n && string(step.What) == what && step.At.UnixMicro() == at &&
				string(step.Kind) == kind && string(step.Via) == via && (c.n < steps || string(step.State) == state && step.Due.UnixMicro() == due) && c.n <= steps
			c.Rule = ledger.RuleIf(agree)
		}
		all = append(all, c)
	}
	return all, rows.Err()
}
