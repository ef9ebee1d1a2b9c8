package rightsdb

import (
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/rights"
	"thimble/internal/rights/certificate"
	"thimble/internal/sqldb"
)

// Uncertified implements rights.Registrar.
func (s *Store) Uncertified(ctx context.Context) (due []rights.Uncertified, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		due = nil
		all, err := list(ctx, tx, `where kind = 'erase' and state = 'fulfilled' and not exists (
			select 1 from rights_certificates c where c.request_id = rights_requests.id and c.settled = 1) order by at, id`)
		if err != nil {
			return err
		}
		for _, r := range all {
			u, err := uncertified(ctx, tx, r)
			if err != nil {
				return fmt.Errorf("%s: %w", r.ID.Token(rights.TokenPrefix), err)
			}
			due = append(due, u)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("rights: reading what is to be certified: %w", err)
	}
	return due, nil
}

func uncertified(ctx context.Context, tx *sqldb.Tx, r rights.Request) (u rights.Uncertified, err error) {
	u.Request = r
	var kept []byte
	if err := tx.QueryRow(ctx, `select opening from rights_requests where id = $1`, r.ID).Scan(&kept); err != nil {
		return u, err
	}
	var o ledger.Opening
	if err := o.UnmarshalBinary(kept); err != nil {
		return u, err
	}
	h := o.Hash()
	u.Leaf = hex.EncodeToString(h[:])
	err = tx.QueryRow(ctx, `select opening from rights_certificates where request_id = $1 order by issue desc limit 1`, r.ID).Scan(&kept)
	if errors.Is(err, sql.ErrNoRows) {
		return u, nil
	}
	if err == nil {
		err = o.UnmarshalBinary(kept)
	}
	if err != nil {
		return u, err
	}
	last, err := certificate.Read(o.Record)
	u.Last = &last
	return u, err
}

// Certify implements rights.Registrar: the certificate and its leaf are durable together,
// and only of an erasure that is done.
func (s *Store) Certify(ctx context.Context, request thimble.ID, said certificate.Statement, settled bool) error {
	record, err := said.Bytes()
	if err != nil {
		return err
	}
	final := 0
	if settled {
		final = 1
	}
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		now := s.now()
		opening, err := s.ledger.Queue(ctx, tx, ledger.Entry{Class: ledger.Erasure, At: now, Record: record})
		if err != nil {
			return err
		}
		kept, err := opening.MarshalBinary() // counts and hashes: nothing to seal
		if err != nil {
			return err
		}
		n, err := tx.Exec(ctx, `insert into rights_certificates (request_id, issue, at, settled, opening)
			select id, $2, $3, $4, $5 from rights_requests where id = $1 and kind = 'erase' and state = 'fulfilled'
			on conflict do nothing`, request, said.Issue, now.UnixMicro(), final, kept)
		if err == nil && n == 0 {
			err = fmt.Errorf("issue %d is there, or the erasure is not done: %w", said.Issue, thimble.ErrConflict)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("rights: keeping a certificate of %s: %w", request.Token(rights.TokenPrefix), err)
	}
	return nil
}

// Certificate returns what opens the leaf of the newest certificate of an erasure. The
// error is of kind ErrNotFound when there is none.
func (s *Store) Certificate(ctx context.Context, request thimble.ID) (o ledger.Opening, err error) {
	var b []byte
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(ctx, `select opening from rights_certificates where request_id = $1 order by issue desc limit 1`, request).Scan(&b)
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = thimble.ErrNotFound
	}
	if err != nil {
		return o, fmt.Errorf("rights: the certificate of %s: %w", request.Token(rights.TokenPrefix), err)
	}
	return o, o.UnmarshalBinary(b)
}

// certified are the claims of the certificates: each says what its leaf commits to, of
// an erasure that is done and reports the same.
func (s *Store) certified(ctx context.Context, tx *sqldb.Tx) (claims []ledger.Claim, err error) {
	rows, err := tx.Query(ctx, `select c.request_id, c.issue, c.opening, coalesce(r.report, '') from rights_certificates c
		left join rights_requests r on r.id = c.request_id and r.kind = 'erase' and r.state = 'fulfilled' order by c.at, c.request_id, c.issue`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id thimble.ID
		var issue int64
		var kept []byte
		var text string
		if err := rows.Scan(&id, &issue, &kept, &text); err != nil {
			return nil, err
		}
		c := ledger.Claim{Table: "rights_certificates", Class: ledger.Erasure}
		if c.Err = c.Opening.UnmarshalBinary(kept); c.Err == nil {
			c.Rule = ledger.RuleIf(agrees(c.Opening.Record, id, issue, text))
		}
		claims = append(claims, c)
	}
	return claims, rows.Err()
}

func agrees(record []byte, request thimble.ID, issue int64, text string) bool {
	said, err := certificate.Read(record)
	if err != nil {
		return false
	}
	var r rights.Report
	if err := json.Unmarshal([]byte(text), &r); err != nil || len(said.Keys.Hashes) == 0 {
		return false
	}
	return said.Request == request.Token(rights.TokenPrefix) && said.Issue == issue && said.Keys.Hashes[0] == r.KeyHash && said.Asked.Equal(r.At.Truncate(time.Nanosecond))
}
