package suspectdb

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/recommend/suspect"
	"thimble/internal/sqldb"
)

// An act is what became of a finding: it was found, or somebody decided.
type act struct {
	Finding  thimble.ID
	Kind     suspect.Kind
	Item     thimble.ItemID
	Act      State
	Staff    string
	People   int
	Revision int64
}

// record is what the leaf of an act commits to. It names nobody who buys.
func (a act) record() ([]byte, error) {
	if a.Act == Open {
		return json.Marshal(struct {
			Finding  string         `json:"finding"`
			Kind     suspect.Kind   `json:"kind"`
			Item     thimble.ItemID `json:"item"`
			Accounts int            `json:"accounts"`
		}{a.Finding.Token(FindingPrefix), a.Kind, a.Item, a.People})
	}
	return json.Marshal(struct {
		Finding  string `json:"finding"`
		State    State  `json:"state"`
		By       string `json:"by"`
		People   int    `json:"people"`
		Revision int64  `json:"revision"` // of the list of who is left out, after it
	}{a.Finding.Token(FindingPrefix), a.Act, a.Staff, a.People, a.Revision})
}

// act writes an act down, with its leaf.
func (s *Store) act(ctx context.Context, tx *sqldb.Tx, a act) error {
	id, err := thimble.NewID(nil)
	if err != nil {
		return err
	}
	record, err := a.record()
	if err != nil {
		return err
	}
	at := s.cfg.Now().UTC()
	opened, err := s.ledger.Queue(ctx, tx, ledger.Entry{Class: ledger.System, At: at, Record: record})
	if err != nil {
		return err
	}
	opening, err := opened.MarshalBinary() // nothing to seal
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `insert into recommend_finding_acts (id, finding_id, act, staff, people, revision, at, opening) values ($1, $2, $3, $4, $5, $6, $7, $8)`,
		id, a.Finding, string(a.Act), a.Staff, a.People, a.Revision, at.UnixMicro(), opening)
	return err
}

// Claims are what the acts say of their leaves, for an audit.
func (s *Store) Claims(ctx context.Context) iter.Seq2[ledger.Claim, error] {
	return func(yield func(ledger.Claim, error) bool) {
		claims, err := s.claims(ctx)
		ledger.YieldAll(yield, claims, err)
	}
}

func (s *Store) claims(ctx context.Context) (claims []ledger.Claim, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		claims = nil
		rows, err := tx.Query(ctx, `select a.finding_id, f.kind, f.item, a.act, a.staff, a.people, a.revision, a.opening
			from recommend_finding_acts a join recommend_findings f on f.id = a.finding_id order by a.at, a.id`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var a act
			var opening []byte
			if err := rows.Scan(&a.Finding, &a.Kind, &a.Item, &a.Act, &a.Staff, &a.People, &a.Revision, &opening); err != nil {
				return err
			}
			record, err := a.record()
			claims = append(claims, ledger.Held("recommend_finding_acts", ledger.System, opening, record, err))
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("suspect: reading acts: %w", err)
	}
	return claims, nil
}
