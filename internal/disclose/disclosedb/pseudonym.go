package disclosedb

import (
	"context"
	"database/sql"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"

	"thimble"
	"thimble/internal/disclose"
	"thimble/internal/sqldb"
)

var pseudonymText = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// word is what a recipient calls something by: HMAC-SHA256 under a key of the vault
// that belongs to this recipient and generation, cut to 128 bits. Two recipients, or two
// generations, have no word in common.
func (s *Store) word(ctx context.Context, recipient thimble.ID, generation int64, prefix, kind, value string) (string, error) {
	name := fmt.Sprintf("disclose/%s/%d", recipient.Token(disclose.RecipientPrefix), generation)
	sum, err := s.vault.Index(ctx, name, kind+"\x00"+value)
	if err != nil {
		return "", fmt.Errorf("disclose: a pseudonym: %w", err)
	}
	return prefix + "_" + pseudonymText.EncodeToString(sum), nil
}

func (s *Store) pseudonym(ctx context.Context, r disclose.Recipient, generation int64, who thimble.SubjectID) (string, error) {
	return s.word(ctx, r.ID, generation, "psn", "person", who.String())
}

// alias is a recipient's word for a number.
func (s *Store) alias(ctx context.Context, r disclose.Recipient) func(disclose.Alias) (string, error) {
	return func(a disclose.Alias) (string, error) {
		return s.word(ctx, r.ID, r.Generation, "als", "alias "+a.Kind, a.Value)
	}
}

func (s *Store) lookup(ctx context.Context, recipient thimble.ID, pseudonym string) ([]byte, error) {
	return s.vault.Index(ctx, "disclose-lookup", recipient.Token(disclose.RecipientPrefix)+"\x00"+pseudonym)
}

// Whose returns whom a recipient means by a pseudonym, such as in a question about a
// parcel. Only here can it be asked, and only of the recipient's own. The error is of
// kind ErrNotFound for a word that nobody has, or that was a person's who is erased.
func (s *Store) Whose(ctx context.Context, recipient thimble.ID, pseudonym string) (who thimble.SubjectID, err error) {
	lookup, err := s.lookup(ctx, recipient, strings.TrimSpace(pseudonym))
	if err == nil {
		err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
			return tx.QueryRow(ctx, `select subject_id from disclose_people where lookup = $1 limit 1`, lookup).Scan(&who)
		})
	}
	if errors.Is(err, sql.ErrNoRows) {
		err = thimble.ErrNotFound
	}
	if err != nil {
		return who, fmt.Errorf("disclose: whose pseudonym: %w", err)
	}
	return who, nil
}

// PseudonymTx is what a recipient calls somebody by now.
func (s *Store) PseudonymTx(ctx context.Context, tx *sqldb.Tx, recipient thimble.ID, who thimble.SubjectID) (string, error) {
	r, err := s.recipient(ctx, tx, recipient)
	if err != nil {
		return "", err
	}
	return s.pseudonym(ctx, r, r.Generation, who)
}
