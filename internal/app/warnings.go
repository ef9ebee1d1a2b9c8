package app

import (
	"context"
	"errors"
	"slices"
	"time"

	"thimble"
	"thimble/internal/disclose"
	"thimble/internal/disclose/wire"
	"thimble/internal/retention"
	"thimble/internal/retention/retentionweb"
	"thimble/internal/rights/letters"
	"thimble/internal/sqldb"
)

// warn has people told that they are to be forgotten. By a clock that something contradicts
// nobody is: the days in the letters would be wrong.
func (a *App) warn(ctx context.Context) error {
	if off, _, err := a.ClockOff(ctx); err != nil || off != 0 {
		return err
	}
	return a.Retention.WriteWarnings(ctx)
}

// warner tells people by letter that they are to be forgotten for not having been there.
type warner struct{ *App }

// Tell implements retentiondb.Teller.
func (w warner) Tell(ctx context.Context, about retention.Warning, noted func(context.Context, *sqldb.Tx, thimble.ID) error) (retention.WarningState, string, error) {
	if !w.Disclose.Mails() {
		return retention.WarningOwed, string(letters.NoServer), nil
	}
	_, addresses, err := w.addresses(ctx, about.Subject)
	switch {
	case errors.Is(err, thimble.ErrDenied):
		return retention.WarningOwed, string(letters.Denied), nil
	case err != nil:
		return about.State, "", err
	}
	if len(addresses) == 0 {
		// Of a child nothing is written to who answers for it; but it is not as if nobody knew
		// where to write, so it stays.
		answer, err := w.guardians(ctx, about.Subject)
		if err != nil || len(answer) > 0 {
			return retention.WarningOwed, string(letters.NoAddress), err
		}
		return retention.WarningUnreached, string(letters.NoAddress), nil
	}
	addresses = addresses[:min(len(addresses), letters.MostAddresses)]
	f := w.letterFacts()
	text := letters.Warning{Shop: f.Shop, Contact: f.Contact, Centre: f.Centre, SeenOn: about.SeenOn, Due: about.Due,
		Period: retentionweb.PeriodWords(about.Span), Rule: retentionweb.RuleWords(about.Source, w.packTitle)}.Write()
	for _, to := range addresses[min(len(about.Sent), len(addresses)):] {
		err := w.Disclose.MailWith(ctx, disclose.Letter{To: about.Subject, Address: to, Purpose: thimble.LegalObligation, Subject: text.Subject, Text: text.Body}, noted)
		switch {
		case errors.Is(err, thimble.ErrDenied):
			return retention.WarningOwed, string(letters.Denied), nil
		case errors.Is(err, thimble.ErrUnavailable):
			return retention.WarningOwed, string(letters.NoServer), nil
		case err != nil:
			return about.State, "", err
		}
	}
	return retention.WarningQueued, "", nil
}

// refusedForGood are the reasons why a mail server will never take a letter to an address.
var refusedForGood = []wire.Why{wire.Rejected, wire.AddressInvalid}

// Became implements retentiondb.Teller: they were told once one address has the letter. One
// that stays here for lack of a mail server told nobody anything.
func (w warner) Became(ctx context.Context, messages []thimble.ID) (state retention.WarningState, at time.Time, why string, err error) {
	at = w.Config.clock()()
	told, open, lost := false, false, false
	for _, id := range messages {
		m, err := w.Disclose.Message(ctx, id)
		if err != nil {
			return state, at, "", err
		}
		taken := m.State == disclose.Delivered || m.State == disclose.Acknowledged
		switch {
		case taken && letters.Why(m.Why) != letters.KeptHere:
			if !told || m.SentAt.Before(at) {
				told, at = true, m.SentAt
			}
		case slices.Contains([]disclose.State{disclose.Queued, disclose.Sending, disclose.Retrying, disclose.Blocked}, m.State):
			open = true
		case !slices.Contains(refusedForGood, wire.Why(m.Why)):
			lost = true
		}
		if !taken || letters.Why(m.Why) == letters.KeptHere {
			why = m.Why
		}
	}
	switch {
	case told:
		return retention.WarningTold, at, "", nil
	case open:
		return retention.WarningQueued, at, why, nil
	case lost || len(messages) == 0:
		return retention.WarningOwed, at, why, nil
	}
	return retention.WarningUnreached, at, why, nil
}
