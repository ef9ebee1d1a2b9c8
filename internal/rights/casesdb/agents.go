package casesdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"thimble"
	"thimble/internal/rights/cases"
	"thimble/internal/sqldb"
)

// Signed is what a registered agent signed beside what is asked for.
type Signed struct {
	Digest    [32]byte // SHA-256 of the message with its signature; the same one again is no second request
	Asked     string   // what is asked for, in the protocol's word
	Reference thimble.Personal[string]
	Attorney  thimble.Personal[string] // which power of attorney; "" for none
	Calls     bool                     // the agent is to be told when the status changes
}

// OpenSigned keeps a request that a registered agent signed. The same message again is the
// same request. It costs the same whether anybody is known or not.
func (s *Store) OpenSigned(ctx context.Context, a Asked, g Signed) (c cases.Case, repeated bool, err error) {
	a.Via, a.By, a.Words = cases.Registered, cases.TheAgent, thimble.Hide("")
	ends, err := a.Kind.Ends(a.Purpose)
	if err != nil {
		return c, false, err
	}
	id, err := requestID()
	if err != nil {
		return c, false, err
	}
	sealed := [2][]byte{}
	for i, part := range []thimble.Personal[string]{g.Reference, g.Attorney} {
		if text := part.Reveal(); text != "" { // to seal it
			if sealed[i], err = s.parts.Vault.Seal(ctx, agentCell(id, i), []byte(text)); err != nil {
				return c, false, fmt.Errorf("cases: sealing what an agent said: %w", err)
			}
		}
	}
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		n, err := tx.Exec(ctx, `insert into cases_agents (case_id, agent_id, asked, digest, reference, attorney, calls, told, told_steps, revoked_at)
			values ($1, $2, $3, $4, $5, $6, $7, '', 0, 0) on conflict (digest) do nothing`, id, a.Agency.Agent, g.Asked, g.Digest[:], sealed[0], sealed[1], yes(g.Calls))
		if err != nil {
			return err
		}
		if repeated = n == 0; !repeated {
			c, err = s.open(ctx, tx, id, a, ends)
			return err
		}
		all, err := list(ctx, tx, `where id = (select case_id from cases_agents where digest = $1 and agent_id = $2)`, g.Digest[:], a.Agency.Agent)
		if err == nil && len(all) == 0 {
			err = thimble.ErrConflict
		}
		if err == nil {
			c = all[0]
		}
		return err
	})
	if err != nil {
		return c, false, fmt.Errorf("cases: opening a signed one: %w", err)
	}
	return c, repeated, nil
}

// PassedTx is OpenTx of a request that another firm passed on (cases.Chain), with the digest
// of its message and the token of the firm that the person asked first. It costs the same
// whether anybody is known or not.
func (s *Store) PassedTx(ctx context.Context, tx *sqldb.Tx, a Asked, digest [32]byte, chain thimble.Personal[string]) (cases.Case, error) {
	a.Kind, a.Via, a.By, a.Words = cases.Erase, cases.Chain, cases.AFirm, thimble.Hide("")
	id, err := thimble.NewID(nil)
	if err != nil {
		return cases.Case{}, err
	}
	sealed, err := s.parts.Vault.Seal(ctx, agentCell(id, 2), []byte(chain.Reveal())) // to seal it
	if err != nil {
		return cases.Case{}, fmt.Errorf("cases: sealing what a firm signed: %w", err)
	}
	// The name of a registered agent has no blank: none is the one of a firm.
	if _, err := tx.Exec(ctx, `insert into cases_agents (case_id, agent_id, asked, digest, calls, told, told_steps, revoked_at, chain) values ($1, $2, 'deletion', $3, 0, '', 0, 0, $4)`,
		id, "firm "+a.Agency.Agent, digest[:], sealed); err != nil {
		return cases.Case{}, err
	}
	return s.open(ctx, tx, id, a, nil)
}

// ChainTx returns the token with which another firm passed a request on; "" for none, and
// once the person is erased.
func (s *Store) ChainTx(ctx context.Context, tx *sqldb.Tx, id thimble.ID) (thimble.Personal[string], error) {
	var sealed []byte
	err := tx.QueryRow(ctx, `select chain from cases_agents where case_id = $1`, id).Scan(&sealed)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	said := thimble.Hide("")
	if err == nil {
		said, err = s.unseal(ctx, agentCell(id, 2), sealed)
	}
	if err != nil {
		return said, fmt.Errorf("cases: reading the chain of %s: %w", id.Token(cases.TokenPrefix), err)
	}
	return said, nil
}

// requestID draws an id that is also a UUID of version 4 (RFC 9562), as protocols name
// requests.
func requestID() (thimble.ID, error) {
	id, err := thimble.NewID(nil)
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return id, err
}

func yes(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// agentCell is where what an agent said is: its own number for the request, which power of
// attorney it has, or which token another firm passed on. All are sealed by the installation, whether or not anybody is
// known.
func agentCell(id thimble.ID, part int) thimble.Cell {
	return thimble.Cell{Table: "cases_agents", Column: []string{"reference", "attorney", "chain"}[part], Row: id[:], Category: thimble.PrivacyPreferences}
}

// An AgentCase is a case with what only its agent is told.
type AgentCase struct {
	cases.Case
	Asked     string
	Reference string    // the agent's own number of its request; of nobody else's business
	Revoked   time.Time // by the agent; zero for not
	Told      string    // the last status that the agent was told by itself
}

const agentColumns = `select case_id, asked, reference, told, revoked_at from cases_agents `

// OfAgent returns a request of one agent. The error for another's, and for none, is of
// kind ErrNotFound.
func (s *Store) OfAgent(ctx context.Context, agent string, id thimble.ID) (AgentCase, error) {
	all, err := s.agents(ctx, `where case_id = $1 and agent_id = $2`, id, agent)
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("cases: %s is none of that agent: %w", id.Token(cases.TokenPrefix), thimble.ErrNotFound)
	}
	if err != nil {
		return AgentCase{}, err
	}
	return all[0], nil
}

func (s *Store) agents(ctx context.Context, where string, args ...any) (all []AgentCase, err error) {
	var sealed [][]byte
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all, sealed = nil, nil
		rows, err := tx.Query(ctx, agentColumns+where, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			a, reference, err := scanAgent(rows)
			if err != nil {
				return err
			}
			all, sealed = append(all, a), append(sealed, reference)
		}
		return rows.Err()
	})
	for i := range all {
		if err != nil {
			break
		}
		if all[i].Case, err = s.Get(ctx, all[i].ID); err == nil {
			var reference thimble.Personal[string]
			reference, err = s.unseal(ctx, agentCell(all[i].ID, 0), sealed[i])
			all[i].Reference = reference.Reveal() // to be told to the agent that gave it
		}
	}
	if err != nil {
		return nil, fmt.Errorf("cases: reading what agents asked: %w", err)
	}
	return all, nil
}

func scanAgent(rows *sql.Rows) (a AgentCase, reference []byte, err error) {
	var revoked int64
	if err = rows.Scan(&a.ID, &a.Asked, &reference, &a.Told, &revoked); err == nil && revoked != 0 {
		a.Revoked = time.UnixMicro(revoked).UTC()
	}
	return a, reference, err
}

func (s *Store) unseal(ctx context.Context, c thimble.Cell, sealed []byte) (thimble.Personal[string], error) {
	if sealed == nil {
		return thimble.Hide(""), nil
	}
	plain, err := s.parts.Vault.Open(ctx, c, sealed)
	return thimble.Hide(string(plain)), err
}

// AttorneyOf returns which power of attorney an agent says it has, to whoever was granted
// to read of the person; "" for none, and once the person is erased.
func (s *Store) AttorneyOf(ctx context.Context, g thimble.Grant, c cases.Case) (thimble.Personal[string], error) {
	if g == nil || c.Subject.IsZero() || !slices.Contains(g.Members(), c.Subject) {
		return thimble.Hide(""), fmt.Errorf("cases: the authority in %s: %w", c.ID.Token(cases.TokenPrefix), thimble.ErrDenied)
	}
	return s.attorney(ctx, c.ID)
}

func (s *Store) attorney(ctx context.Context, id thimble.ID) (thimble.Personal[string], error) {
	var sealed []byte
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(ctx, `select attorney from cases_agents where case_id = $1`, id).Scan(&sealed)
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	var said thimble.Personal[string]
	if err == nil {
		said, err = s.unseal(ctx, agentCell(id, 1), sealed)
	}
	if err != nil {
		return said, fmt.Errorf("cases: reading the authority in %s: %w", id.Token(cases.TokenPrefix), err)
	}
	return said, nil
}

// RevokeSigned has an agent take a request of its own back. What the agent sees is that it
// did; again changes nothing. The error is of kind ErrNotFound for another's, ErrConflict
// for one that is being done or is answered.
func (s *Store) RevokeSigned(ctx context.Context, agent string, id thimble.ID) error {
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		n, err := tx.Exec(ctx, `update cases_agents set revoked_at = case when revoked_at = 0 then $3 else revoked_at end where case_id = $1 and agent_id = $2`, id, agent, s.cfg.Now().UnixMicro())
		if err == nil && n == 0 {
			err = thimble.ErrNotFound
		}
		if err != nil {
			return err
		}
		all, err := list(ctx, tx, `where id = $1`, id)
		if err != nil || len(all) == 0 || all[0].State == cases.Revoked {
			return err
		}
		if nature, err := cases.NatureOf(all[0].Kind); err != nil || all[0].State.Final() && all[0].Proof == "" && !nature.Open {
			return err // closed in a way of which the agent is not told
		}
		_, err = s.next(ctx, tx, all[0], cases.Event{What: cases.Withdrawn, By: cases.TheAgent}, thimble.Hide(""))
		return err
	})
	if err != nil {
		return fmt.Errorf("cases: an agent takes %s back: %w", id.Token(cases.TokenPrefix), err)
	}
	return nil
}

// Untold returns cases of agents that want to be told, to which something happened since
// they were last looked at.
func (s *Store) Untold(ctx context.Context, limit int) ([]AgentCase, error) {
	return s.agents(ctx, `where calls = 1 and told_steps < (select steps from cases_requests where id = case_id) order by case_id limit $1`, limit)
}

// ToldTx notes, in the transaction that queues what the agent is told, how far it was.
func (s *Store) ToldTx(ctx context.Context, tx *sqldb.Tx, a AgentCase, status string) error {
	_, err := tx.Exec(ctx, `update cases_agents set told = $2, told_steps = $3 where case_id = $1`, a.ID, status, a.Steps)
	return err
}

// SweepSigned forgets what agents signed whose request was closed before an instant: the
// case and its steps stay.
func (s *Store) SweepSigned(ctx context.Context, before time.Time) (n int64, err error) {
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		n, err = tx.Exec(ctx, `delete from cases_agents where case_id in (select id from cases_requests where closed_at is not null and closed_at < $1)`, before.UnixMicro())
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("cases: forgetting what agents signed: %w", err)
	}
	return n, nil
}
