package sessionweb

import (
	"context"
	"log/slog"

	"thimble"
	"thimble/internal/session/sessiondb"
)

// A Mailer sends a code to somebody's address; the outbox does.
type Mailer interface {
	Code(ctx context.Context, to thimble.SubjectID, address, code thimble.Personal[string]) error
}

// A letter waits to be sent, or to be dropped: which of the two is decided off the
// request's path, so that whoever asks cannot tell by how long it takes.
type letter struct {
	to      thimble.SubjectID
	address thimble.Personal[string]
	asked   sessiondb.Asked
}

// A Post sends codes behind the requests that ask for them. It keeps a few hundred; a
// server that stops, or is asked for more, forgets some, and people ask again.
type Post struct {
	mail    Mailer
	log     *slog.Logger
	waiting chan letter
}

// NewPost returns a post office. [Post.Run] does the sending.
func NewPost(m Mailer, log *slog.Logger) *Post {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Post{mail: m, log: log, waiting: make(chan letter, 256)}
}

func (p *Post) add(l letter) {
	select {
	case p.waiting <- l:
	default:
		p.log.Warn("a code was not sent: too many wait")
	}
}

// Run sends what waits until the context ends.
func (p *Post) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case l := <-p.waiting:
			if !l.asked.Send {
				continue
			}
			if err := p.mail.Code(ctx, l.to, l.address, l.asked.Code); err != nil {
				p.log.ErrorContext(ctx, "a code was not sent", slog.String("cause", err.Error()))
			}
		}
	}
}
