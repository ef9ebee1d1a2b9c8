package app

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/mail"
	"strconv"
	"strings"

	"thimble"
	"thimble/internal/disclose"
	"thimble/internal/disclose/disclosedb"
	"thimble/internal/disclose/feeds"
	"thimble/internal/disclose/wire"
	"thimble/internal/job"
	"thimble/internal/recommend/lists"
)

// wayOut is a way out of its own for what is no disclosure: each message has its leaf with
// the meter. The mail server of this machine is no endpoint of it.
func (a *App) wayOut(m wire.Meter) (*wire.Sender, error) {
	sender, err := wire.New(m, wire.Config{Now: a.Config.clock(), Log: slog.New(slog.DiscardHandler), Loopback: strings.Fields(a.Config.Loopback)}) // the warning is that of disclosures
	if err != nil {
		return nil, fmt.Errorf("configuration: disclose-loopback: %w", err)
	}
	return sender, nil
}

// openDisclose opens the way out: recipients, agreements, outbox, and the transports.
func (k *Kernel) openDisclose(ctx context.Context, cfg Config, log *slog.Logger) (err error) {
	dc := disclosedb.Config{Now: cfg.clock(), Log: log, From: cfg.MailFrom, KeepLetters: cfg.Demo}
	wc := wire.Config{Now: cfg.clock(), Log: log, Loopback: strings.Fields(cfg.Loopback)}
	if cfg.SMTPURL != "" {
		relay, err := wire.ParseRelay(cfg.SMTPURL)
		if err != nil {
			return fmt.Errorf("configuration: smtp-url (from %s): %w", cfg.sources["smtp-url"], err)
		}
		dc.Relay = &relay
		if loopback(relay.Host) {
			wc.Loopback = append(wc.Loopback, net.JoinHostPort(relay.Host, strconv.Itoa(int(relay.Port))))
		}
	}
	if cfg.DropFolder != "" {
		if dc.Folder, err = wire.OpenFolder(cfg.DropFolder); err != nil {
			return fmt.Errorf("configuration: drop-folder (from %s): %w", cfg.sources["drop-folder"], err)
		}
		k.drops = dc.Folder
	}
	k.Disclose = disclosedb.New(k.Core, k.Ledger, k.Vault, k.Subjects, k.Gate, dc)
	sender, err := wire.New(k.Disclose, wc)
	if err == nil && dc.Relay != nil {
		err = sender.CheckRelay(*dc.Relay)
	}
	if err != nil {
		return fmt.Errorf("configuration: smtp-url or disclose-loopback: %w", err)
	}
	k.Disclose.Use(sender)
	known := lists.Known()
	known.Recipient = k.Disclose.Known
	k.Gate.Knows(known)
	return k.openMail(ctx, cfg)
}

// mailAgreement is what the shop has agreed with its mail server by configuring it: the
// address, the letter, and a reason that a law has the person told, for what a person
// asked for or is owed, for a day.
const mailAgreement = `agreement: 1
title: Letters to customers
contract: "The setting smtp-url: whoever sets it answers for the contract with the mail service"
act: process
effective: 2020-01-01
until: 2200-01-01
purposes: [essential.service, essential.legal_obligation]
fields:
  - {name: address, category: user.contact.email}
  - {name: letter, category: user.contact.email}
  - {name: reason, category: user.privacy_preferences}
transfer: {basis: none}
assessment: {by: "whoever runs this installation", on: 2020-01-01, expires: 2200-01-01}
retention: 1d
`

// openMail keeps the mail server as a recipient, when letters can be written at all.
func (k *Kernel) openMail(ctx context.Context, cfg Config) error {
	if cfg.SMTPURL == "" && !cfg.Demo {
		return nil
	}
	return k.Disclose.Builtin(ctx, disclose.Recipient{
		ID: disclosedb.MailServer, Name: "Mail server", Kind: disclose.Processor, Contact: "the setting smtp-url", Countries: []string{"ZZ"}, Transport: disclose.Mail,
	}, mailAgreement)
}

// checkMail says what is wrong with the settings of mail and feeds, or returns "".
func (c *Config) checkMail() (key, rule string) {
	from, err := mail.ParseAddress(c.MailFrom)
	switch {
	case c.SMTPURL != "" && c.MailFrom == "":
		return "mail-from", "an address was expected, such as Shop <shop@shop.example>, since smtp-url is set"
	case c.MailFrom != "" && (err != nil || from.Address == ""):
		return "mail-from", "an address was expected, such as Shop <shop@shop.example>"
	}
	return "", ""
}

// codeLetters sends codes to customers by the outbox.
type codeLetters struct{ app *App }

// Code implements sessionweb.Mailer.
func (l codeLetters) Code(ctx context.Context, to thimble.SubjectID, address, code thimble.Personal[string]) error {
	// The code goes to the address that asked for it, inside the letter.
	text := "Your code is " + code.Reveal() + ".\n\nIt works once, for ten minutes. Nobody from the shop will ever ask you for it.\nIf you did not ask for it, nothing has happened; you can ignore this letter.\n"
	return l.app.Disclose.Mail(ctx, disclose.Letter{To: to, Address: address, Purpose: thimble.EssentialService, Subject: "Your code to sign in", Text: thimble.Hide(text)})
}

// sendCodes sends the codes that customers ask for, until ctx ends.
func (a *App) sendCodes(ctx context.Context) error {
	if a.post == nil {
		<-ctx.Done()
		return nil
	}
	return a.post.Run(ctx)
}

// FeedJob is the kind of the job that queues what is new for recipients of feeds.
const FeedJob = "disclose.feeds"

// feed runs the feeds as a job.
func (a *App) feed(ctx context.Context, _ job.Job) error { return a.Feed(ctx) }

// Feed queues what is new for recipients of feeds.
func (a *App) Feed(ctx context.Context) error {
	done, err := feeds.Runner{Outbox: a.Disclose, Orders: a.Orders, Products: a.Catalog}.Run(ctx)
	if done != (feeds.Report{}) {
		a.Log.InfoContext(ctx, "feeds run", slog.Int("messages", done.Messages), slog.Int("people", done.People), slog.Int("refused", done.Refused), slog.Int("blocked", done.Blocked))
	}
	return err
}
