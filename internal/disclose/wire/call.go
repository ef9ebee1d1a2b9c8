package wire

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"

	"thimble"
)

// A Call is one request of a protocol that is not a webhook: another method, headers of its
// own, an answer that is read whole.
type Call struct {
	ID     thimble.ID // that the meter is asked for
	Method string
	URL    string
	Hosts  []string // the URL's must be among them
	Head   http.Header
	Body   thimble.Personal[[]byte]
}

// An Answer is what came of a call. The other side wrote head and body: they may hold
// anything.
type Answer struct {
	Outcome
	Head http.Header
	Body thimble.Personal[[]byte] // of a 2xx or a 400, at most 64 KiB
}

// Call makes one request, under the same rules as [Sender.Post]: one connection to a judged
// address, no redirect, the same bounds.
func (s *Sender) Call(ctx context.Context, c Call) Answer {
	u, to, err := s.check(c.URL, c.Hosts)
	if r, ok := errors.AsType[*refusal](err); ok {
		return Answer{Outcome: permanent(r.why)}
	}
	body := c.Body.Reveal() // it leaves here; the meter asks for the leaf
	if len(body) > MaxBody {
		return Answer{Outcome: permanent(MessageTooLarge)}
	}
	req := &http.Request{Method: c.Method, URL: u, Host: u.Host, Header: http.Header{}, Body: http.NoBody, ContentLength: int64(len(body))}
	for name, values := range c.Head {
		req.Header[name] = values
	}
	if len(body) > 0 {
		req.Body = io.NopCloser(bytes.NewReader(body))
	}
	req.Header.Set("User-Agent", "Thimble")
	try, cancel := context.WithTimeout(ctx, s.cfg.Whole)
	defer cancel()
	var a Answer
	a.Outcome = s.roundTrip(try, c.ID, to, req, func(res *http.Response) Outcome {
		a.Head = res.Header
		if res.StatusCode < 200 || res.StatusCode > 299 {
			out := s.judge(try, res)
			if res.StatusCode == http.StatusBadRequest { // in which protocols say what is wrong
				if read, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1)); err == nil && len(read) <= maxAnswer {
					a.Body = thimble.Hide(read)
				}
			}
			return out
		}
		read, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
		switch {
		case err != nil && try.Err() != nil:
			return Outcome{State: Retry, Why: AnswerSlow, Status: res.StatusCode}
		case err != nil:
			return Outcome{State: Retry, Why: AnswerCut, Status: res.StatusCode}
		case len(read) > maxAnswer:
			return Outcome{State: Permanent, Why: AnswerTooLarge, Status: res.StatusCode}
		}
		a.Body = thimble.Hide(read)
		return Outcome{State: Delivered, Status: res.StatusCode}
	})
	if a.State != Delivered && ctx.Err() != nil {
		a.Outcome = Outcome{State: Retry, Why: Stopped, Status: a.Status}
	}
	return a
}
