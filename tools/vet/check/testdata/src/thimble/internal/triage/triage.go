// Package triage logs what it may not.
package triage

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"thimble"
	"thimble/internal/subject"
)

func Logs(ctx context.Context, log *slog.Logger, who thimble.SubjectID, id subject.Identifier, p thimble.Personal[string], request thimble.ID) error {
	log.Info("opened", slog.String("subject", who.String()))      // want "a person is logged"
	log.Info("opened", "subject", who)                            // want "a person is logged"
	slog.ErrorContext(ctx, "opened", slog.Any("who", id))         // want "a person is logged"
	log.Warn("opened", "who", fmt.Sprintf("%s of the shop", who)) // want "a person is logged"
	fmt.Fprintln(os.Stderr, "opened", who)                        // want "a person is logged"
	log.Info("opened", "value", p.Reveal())                       // to see what the log check says // want "a personal value is logged"
	mail := strings.ToLower(p.Reveal())                           // to see what the log check says
	domain := mail[strings.IndexByte(mail, '@')+1:]
	log.Info("opened " + domain) // want "a personal value is logged"
	if mail == "" {
		return fmt.Errorf("triage: %q is no address", mail) // want "a personal value is put into an error"
	}
	if domain == "" {
		return errors.New("triage: no address: " + mail) // want "a personal value is put into an error"
	}
	if strings.Contains(mail, " ") {
		panic("triage: " + mail) // want "a personal value is put into a panic"
	}

	if who == (thimble.SubjectID{}) {
		return fmt.Errorf("triage: opening %s: %w", who, errors.ErrUnsupported) // want "a person is put into an error"
	}
	if request == (thimble.ID{}) {
		return wrap("opening for "+who.String(), errors.ErrUnsupported) // want "a person is put into an error"
	}

	// look-alikes: the request's token, a count, the length, a builder that is no terminal.
	log.Info("opened", slog.String("request", request.Token("req")), slog.Int("bytes", len(mail)))
	var b strings.Builder
	fmt.Fprintln(&b, who)
	return fmt.Errorf("triage: opening for %s: %w", request.Token("req"), errors.ErrUnsupported)
}

func wrap(doing string, err error) error { return fmt.Errorf("triage: %s: %w", doing, err) }
