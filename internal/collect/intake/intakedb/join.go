package intakedb

import (
	"context"
	"errors"
	"fmt"

	"thimble"
	"thimble/internal/collect/intake"
	"thimble/internal/sqldb"
	"thimble/internal/subject"
	"thimble/internal/subject/subjectdb"
)

// Join implements intake.People, in one transaction for all.
func (p *People) Join(ctx context.Context, all []intake.Joining) ([]intake.Joined, error) {
	ids := make([]subject.Identifier, len(all))
	for i := range all {
		ids[i] = all[i].ID
	}
	found, err := p.store.FindAll(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("intake: joining: %w", err)
	}
	gone, err := p.store.Suppressed(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("intake: joining: %w", err)
	}
	joined, todo := make([]intake.Joined, len(all)), 0
	for i := range all {
		switch {
		case found[i] == all[i].To:
			joined[i] = intake.Same
		case found[i].IsZero() && gone[i]:
			joined[i] = intake.Lost
		default:
			todo++
		}
	}
	if todo == 0 {
		return joined, nil
	}
	drafts, err := p.drafts(ctx, all, joined)
	if err != nil {
		return nil, fmt.Errorf("intake: joining: %w", err)
	}
	err = p.db.Write(ctx, func(tx *sqldb.Tx) error {
		now := append([]intake.Joined(nil), joined...)
		for i := range all {
			if joined[i] != "" {
				continue
			}
			if now[i], err = p.one(ctx, tx, all[i], drafts[i]); err != nil {
				return err
			}
		}
		joined = now
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("intake: joining: %w", err)
	}
	return joined, nil
}

func (p *People) drafts(ctx context.Context, all []intake.Joining, joined []intake.Joined) ([]subjectdb.Draft, error) {
	drafts := make([]subjectdb.Draft, len(all))
	for i := range all {
		if joined[i] != "" {
			continue
		}
		var err error
		drafts[i], err = p.store.DraftFor(ctx, all[i].To, all[i].ID)
		if errors.Is(err, thimble.ErrNotFound) || errors.Is(err, thimble.ErrDenied) {
			joined[i] = intake.Lost // their key is gone
		} else if err != nil {
			return nil, err
		}
	}
	return drafts, nil
}

// one joins one identifier, as things are within the transaction.
func (p *People) one(ctx context.Context, tx *sqldb.Tx, j intake.Joining, d subjectdb.Draft) (intake.Joined, error) {
	to, err := p.store.PersonTx(ctx, tx, j.To)
	if errors.Is(err, thimble.ErrNotFound) {
		return intake.Lost, nil
	}
	if err != nil {
		return "", err
	}
	if j.Either {
		account, err := subject.NewIdentifier(subject.Account, j.ID.Value.Reveal()) // to look it up
		if err != nil {
			return "", err
		}
		owner, err := p.store.OwnerTx(ctx, tx, account)
		if err != nil {
			return "", err
		}
		if !owner.IsZero() {
			j.ID = account
			return p.link(ctx, tx, j, to, owner)
		}
	}
	shared, err := p.store.SharedTx(ctx, tx, []subject.Identifier{j.ID})
	if err != nil || shared[0] {
		return intake.Shared, err
	}
	owner, err := p.store.OwnerTx(ctx, tx, j.ID)
	switch {
	case err != nil:
		return "", err
	case owner.IsZero():
		return p.add(ctx, tx, d)
	case owner == j.To:
		return intake.Same, nil
	case !j.Links:
		return intake.Refused, nil // whose address it is is not for one source to say
	}
	return p.link(ctx, tx, j, to, owner)
}

func (p *People) add(ctx context.Context, tx *sqldb.Tx, d subjectdb.Draft) (intake.Joined, error) {
	err := p.store.Add(ctx, tx, d)
	if errors.Is(err, thimble.ErrConflict) {
		return intake.Refused, nil // they have as many as one may have
	}
	return intake.Added, err
}

// link makes the subject that has the identifier one person with the other.
func (p *People) link(ctx context.Context, tx *sqldb.Tx, j intake.Joining, to subject.Person, owner thimble.SubjectID) (intake.Joined, error) {
	for _, m := range to.Members {
		if m.ID == owner {
			return intake.Same, nil
		}
	}
	other, err := p.store.PersonTx(ctx, tx, owner)
	if err != nil {
		return "", err
	}
	if j.ID.Kind == subject.Device {
		has, err := p.store.HasTx(ctx, tx, other, subject.Account)
		if err != nil {
			return "", err
		}
		if has {
			// Two accounts at one device are two people: a family's tablet, a till.
			return intake.Shared, p.store.Share(ctx, tx, j.ID)
		}
	}
	_, err = p.store.Link(ctx, tx, j.To, owner, subject.Evidence{Ground: subject.ByAccount, By: j.By})
	if errors.Is(err, thimble.ErrConflict) {
		return intake.Refused, nil // related, or more than one person may be
	}
	return intake.Linked, err
}
