package agentsdb

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"thimble"
	"thimble/internal/rights/agents"
	"thimble/internal/sqldb"
)

// MaxTokens is how many tokens of an agent are good at a time: the newest, so that several
// programs of an agent can each have one.
const MaxTokens = 8

// replayable is longer than any message is good for.
const replayable = time.Hour

// Token makes a token for an agent, by a message that is good once. The error for an agent
// that may not ask, and for a message that was there before, is of kind ErrDenied.
func (s *Store) Token(ctx context.Context, id string, setup [32]byte) (string, error) {
	raw := make([]byte, 32)
	if _, err := rand.Read(raw); err != nil {
		return "", fmt.Errorf("agents: drawing a token: %w", err)
	}
	token := base64.RawURLEncoding.EncodeToString(raw)
	digest := sha256.Sum256([]byte(token))
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		a, err := get(ctx, tx, id)
		if err == nil && a.State != agents.Active {
			err = thimble.ErrDenied
		}
		if err != nil {
			return err
		}
		n, err := tx.Exec(ctx, `insert into agents_tokens (digest, setup, agent_id, at) values ($1, $2, $3, $4) on conflict (setup) do nothing`, digest[:], setup[:], id, s.now().UnixMicro())
		if err == nil && n == 0 {
			err = fmt.Errorf("the message was there before: %w", thimble.ErrDenied)
		}
		if err != nil {
			return err
		}
		// A digest is kept for as long as its message could be sent again.
		_, err = tx.Exec(ctx, `delete from agents_tokens where agent_id = $1 and at < $3 and digest not in (select digest from agents_tokens where agent_id = $1 order by at desc, digest limit $2)`,
			id, MaxTokens, s.now().Add(-replayable).UnixMicro())
		return err
	})
	if err != nil {
		return "", fmt.Errorf("agents: making a token: %w", err)
	}
	return token, nil
}

// Bearer returns the agent that a token belongs to and that may ask now. The error is of
// kind ErrDenied, the same for a token that never was and for an agent that was suspended.
func (s *Store) Bearer(ctx context.Context, token string) (a agents.Agent, err error) {
	digest := sha256.Sum256([]byte(token))
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		a, err = scan(tx.QueryRow(ctx, agentColumns+`where state = 'active' and id = (select agent_id from agents_tokens where digest = $1)`, digest[:]))
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = thimble.ErrDenied
	}
	if err != nil {
		return agents.Agent{}, fmt.Errorf("agents: a token: %w", err)
	}
	return a, nil
}
