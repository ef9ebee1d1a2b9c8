package retentiondb

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"time"

	"thimble"
	"thimble/internal/retention"
	"thimble/internal/sqldb"
	"thimble/internal/subject/subjectdb"
)

// An age says how old the rows of a table are. It is what the proof asks, and no holder's
// own statement.
type age struct {
	Table    string
	Category thimble.Category
	Key      string // the columns that name a row, in one order on both engines
	At       string // the row's own time
	Where    string // which rows count: what a law or a person's request keeps does not
	Subject  string // the column that says whose; "" for a table without one
	What     string // of rows that can be held, in words that people read
}

// ages are the tables of the core database whose rows expire.
func ages() []age {
	return []age{
		{Table: "order_orders", Category: thimble.PurchaseHistory, Key: "id", At: "placed_at", Subject: "subject_id", What: "orders"},
		{Table: "decision_decisions", Category: thimble.AutomatedDecision, Key: "id", At: "at", Subject: "subject_id", What: "decisions"},
		{Table: "collect_reviews", Category: "user.content.public", Key: "id", At: "at", Subject: "subject_id", What: "reviews"},
		{Table: "collect_facts", Category: "user.name", Key: "subject_id", At: "at", Where: "fact = 'name'", Subject: "subject_id", What: "names"},
		{Table: "collect_facts", Category: "user.contact.address.state", Key: "subject_id", At: "at", Where: "fact = 'region'", Subject: "subject_id", What: "regions"},
		{Table: "gate_uses", Category: thimble.AccessRecord, Key: "id", At: "at", Subject: "subject_id"},
		{Table: "staff_glass", Category: thimble.AccessRecord, Key: "id", At: "at", Subject: "subject_id"},
		{Table: "disclose_people", Category: thimble.AccessRecord, Key: "message_id, place", At: "at", Subject: "subject_id"},
		{Table: "rights_requests", Category: thimble.PrivacyPreferences, Key: "id", At: "at", Where: "subject_id is not null and state <> 'executing'", Subject: "subject_id"},
		{Table: "rights_tickets", Category: thimble.PrivacyPreferences, Key: "digest", At: "at", Subject: "subject_id"},
		{Table: "cases_requests", Category: thimble.PrivacyPreferences, Key: "id", At: "at", Where: "subject_id is not null and closed_at is not null", Subject: "subject_id"},
		{Table: "session_links", Category: thimble.Credentials, Key: "hash", At: "created_at", Where: "subject_id is not null", Subject: "subject_id"},
		{Table: "session_sessions", Category: thimble.Credentials, Key: "hash", At: "created_at", Where: "subject_id is not null", Subject: "subject_id"},
		{Table: "session_codes", Category: thimble.Credentials, Key: "browser", At: "created_at", Where: "subject_id is not null", Subject: "subject_id"},
		{Table: "recommend_trial_people", Category: "user.behavior", Key: "subject_id, trial_id", At: "at", Subject: "subject_id"},
		{Table: "recommend_trial_marks", Category: "user.behavior", Key: "subject_id, mark", At: "at", Subject: "subject_id"},
		{Table: "subject_shared", Category: "user.device.device_id", Key: "mark", At: "at"},
	}
}

// ageless are the tables about people whose rows do not expire by themselves, with why.
func ageless() map[string]string {
	return map[string]string{
		"retention_warnings": "go with the person, or 30 days after they came back",
		"consent_events":     "choices are the proof of consent (GDPR Art. 7(1))",
		"consent_state":      "what stands is what the gate obeys",
		"disclose_messages":  "what lies sealed in one is destroyed once it was sent, or can no longer be",
		"consent_replays":    "go after a day by themselves",
		"taste_events":       "a choice holds until it is undone",
		"taste_state":        "a choice holds until it is undone",
		"gate_canaries":      "are people who are nobody", "gate_moves": "go after two minutes by themselves",
		"recommend_leaving":    "go when no model is kept that knew them",
		"recommend_suspects":   "stay until somebody decides",
		"decision_contests":    "go with their decision",
		"decision_steps":       "go with their decision",
		"cases_steps":          "go with their request",
		"cases_agents":         "go by themselves 60 days after their request was closed",
		"agents_calls":         "go 60 days after they were queued, once they were told or given up",
		"opendsr_callbacks":    "go 60 days after their first try, once they were told or given up",
		"systems_tasks":        "what names somebody goes when the task ends, or 90 days after its date",
		"session_asks":         "go after a day by themselves",
		"subject_subjects":     "who somebody is, is kept as long as anything else of theirs",
		"subject_merges":       "stand until they are undone",
		"subject_relations":    "stand until they are undone",
		"subject_identifiers":  "who somebody is, is kept as long as anything else of theirs",
		"subject_suppressions": "keep an old list from bringing somebody back (GDPR Art. 21(3))",
		"subject_held":         "keep what is held until it is released",
		"retention_holds":      "say why something is kept",
		"retention_stopped":    "stand until the erasure is done",
		"vault_keys":           "live as long as the person",
		"log_frames":           "the log itself is asked",
		"collect_postings":     "lead into the log",
		"collect_months":       "are made of the log, which is asked",
	}
}

func (a age) records() subjectdb.Records {
	return subjectdb.Records{What: a.What, Table: a.Table, Category: a.Category, Subject: a.Table + "." + a.Subject, At: a.Table + "." + a.At}
}

// older is the condition that a row is older than $1 and that nothing keeps it.
func (a age) older() string {
	where := []string{a.Table + "." + a.At + ` < $1`}
	if a.Where != "" {
		where = append(where, a.Where)
	}
	if a.What != "" {
		where = append(where, a.records().Free())
	}
	return strings.Join(where, " and ")
}

// logOfEvents is what is counted for the log.
const logOfEvents = "log_frames"

// Older counts what is held of exactly a category from before an instant and is kept by no
// law: the query that a run must answer with nothing.
func (s *Store) Older(ctx context.Context, c thimble.Category, before time.Time) (all []retention.Count, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		for _, a := range ages() {
			if a.Category != c {
				continue
			}
			var n int64
			if err := tx.QueryRow(ctx, `select count(*) from `+a.Table+` where `+a.older(), before.UnixMicro()).Scan(&n); err != nil {
				return err
			}
			if n > 0 {
				all = append(all, retention.Count{Of: a.Table, N: n})
			}
		}
		return nil
	})
	if err == nil && s.cfg.Events != nil {
		n := int64(0)
		err = s.cfg.Events.Older(ctx, c, before, func([]byte) error { n++; return nil })
		if n > 0 {
			all = append(all, retention.Count{Of: logOfEvents, N: n})
		}
	}
	if err != nil {
		return nil, fmt.Errorf("retention: looking for what is older of %s: %w", c, err)
	}
	return all, nil
}

// list counts what is to expire, and makes the root over keyed hashes of what it is.
func (s *Store) list(ctx context.Context, c thimble.Category, before time.Time) (all []retention.Count, root string, err error) {
	key, err := s.cfg.Key(ctx)
	if err != nil {
		return nil, "", fmt.Errorf("retention: the key of proofs: %w", err)
	}
	var tree retention.Tree
	add := func(table string, parts ...[]byte) {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(table))
		for _, p := range parts {
			mac.Write([]byte{byte(len(p) >> 8), byte(len(p))})
			mac.Write(p)
		}
		tree.Add(mac.Sum(nil))
		if i := slices.IndexFunc(all, func(c retention.Count) bool { return c.Of == table }); i >= 0 {
			all[i].N++
		} else {
			all = append(all, retention.Count{Of: table, N: 1})
		}
	}
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all, tree = nil, retention.Tree{}
		for _, a := range ages() {
			if a.Category == c {
				if err := a.each(ctx, tx, before, add); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err == nil && s.cfg.Events != nil {
		err = s.cfg.Events.Older(ctx, c, before, func(key []byte) error { add(logOfEvents, key); return nil })
	}
	if err != nil {
		return nil, "", fmt.Errorf("retention: listing what is older of %s: %w", c, err)
	}
	return all, tree.Root(), nil
}

func (a age) each(ctx context.Context, tx *sqldb.Tx, before time.Time, add func(string, ...[]byte)) error {
	rows, err := tx.Query(ctx, `select `+a.Key+` from `+a.Table+` where `+a.older()+` order by `+a.Key, before.UnixMicro())
	if err != nil {
		return err
	}
	defer rows.Close()
	keys := make([]any, strings.Count(a.Key, ",")+1)
	for rows.Next() {
		into := make([]any, len(keys))
		for i := range keys {
			into[i] = &keys[i]
		}
		if err := rows.Scan(into...); err != nil {
			return err
		}
		parts := make([][]byte, len(keys))
		for i, k := range keys {
			if b, ok := k.([]byte); ok {
				parts[i] = b
			} else {
				parts[i] = fmt.Append(nil, k)
			}
		}
		add(a.Table, parts...)
	}
	return rows.Err()
}
