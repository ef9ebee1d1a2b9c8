package disclosedb

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"thimble"
	"thimble/internal/disclose"
	"thimble/internal/sqldb"
)

// A correction, as its recipient reads it: whose, by the pseudonym that it has, and which
// of the fields that it was sent are not to be relied on any more.
type correction struct {
	Person    string             `json:"person"`
	Corrected []thimble.Category `json:"corrected"`
	Fields    []string           `json:"fields"`
}

// Corrected tells each recipient that may have data of a category about any of a person's
// subjects that it was corrected (GDPR Art. 19), by the pseudonym that it has, and which
// fields it is. The
// right value is not in it: it goes, if it does, by the agreement like any other. The
// request of the context is the cause; a second call for it tells nobody.
func (s *Store) Corrected(ctx context.Context, members []thimble.SubjectID, c thimble.Category) (told int, err error) {
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		told = 0
		if cause := thimble.CauseOf(ctx); !cause.IsZero() {
			var before int
			err := tx.QueryRow(ctx, `select count(*) from disclose_messages where cause = $1 and kind = $2`, cause, disclose.CorrectMessage).Scan(&before)
			if err != nil || before > 0 {
				return err
			}
		}
		for _, who := range members {
			n, err := s.corrected(ctx, tx, who, c)
			if err != nil {
				return err
			}
			told += n
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("disclose: telling of a correction: %w", err)
	}
	s.hurry()
	return told, nil
}

// corrected tells of one subject.
func (s *Store) corrected(ctx context.Context, tx *sqldb.Tx, who thimble.SubjectID, c thimble.Category) (told int, err error) {
	all, err := reached(ctx, tx, who)
	if err != nil {
		return 0, err
	}
	for _, t := range all {
		fields, err := s.given(ctx, tx, t, who, c)
		if err != nil {
			return told, err
		}
		if len(fields) == 0 {
			continue
		}
		r, err := s.recipient(ctx, tx, t.recipient)
		if err != nil {
			return told, err
		}
		pseudonym, err := s.pseudonym(ctx, r, t.generation, who)
		if err != nil {
			return told, err
		}
		line, err := json.Marshal(correction{pseudonym, []thimble.Category{c}, fields})
		if err != nil {
			return told, err
		}
		if err := s.notify(ctx, tx, r, disclose.CorrectMessage, line); err != nil {
			return told, err
		}
		told++
	}
	return told, nil
}

// given are the fields of a category that a recipient may have been sent about somebody
// under a pseudonym.
func (s *Store) given(ctx context.Context, tx *sqldb.Tx, to told, who thimble.SubjectID, c thimble.Category) (fields []string, err error) {
	rows, err := tx.Query(ctx, `select distinct m.fields, m.agreement_id from disclose_people p join disclose_messages m on m.id = p.message_id
		where p.subject_id = $1 and m.recipient_id = $2 and p.generation = $3 and (p.state in ('sent', 'maybe-sent') or p.state = 'going' and m.tries > 0)`, who, to.recipient, to.generation)
	if err != nil {
		return nil, err
	}
	type sent struct {
		fields    string
		agreement thimble.ID
	}
	var all []sent
	for rows.Next() {
		var one sent
		if err := rows.Scan(&one.fields, &one.agreement); err != nil {
			rows.Close()
			return nil, err
		}
		all = append(all, one)
	}
	if err := rows.Close(); err != nil {
		return nil, err
	}
	for _, one := range all {
		a, err := s.agreement(ctx, tx, one.agreement)
		if err != nil {
			return nil, err
		}
		for _, f := range a.Agreement.Fields {
			if f.Category.Within(c) && slices.Contains(strings.Fields(one.fields), f.Name) && !slices.Contains(fields, f.Name) {
				fields = append(fields, f.Name)
			}
		}
	}
	return fields, nil
}
