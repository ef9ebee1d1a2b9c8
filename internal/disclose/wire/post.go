package wire

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"thimble"
)

const (
	maxAnswer  = 64 << 10 // bytes of an answer's body
	maxHeaders = 64 << 10 // bytes of an answer's head
)

// Post sends a message as a signed webhook. One connection carries one message.
func (s *Sender) Post(ctx context.Context, hook Hook, m Message) Outcome {
	u, to, err := s.check(hook.URL, hook.Hosts)
	if r, ok := errors.AsType[*refusal](err); ok {
		return permanent(r.why)
	}
	// The transport is where data leaves: the gate has judged it, and the meter asks for the leaf.
	body := m.Body.Reveal()
	if len(body) > MaxBody {
		return permanent(MessageTooLarge)
	}
	req, why := s.request(u, hook, m, body)
	if why != "" {
		return permanent(why)
	}
	try, cancel := context.WithTimeout(ctx, s.cfg.Whole)
	defer cancel()
	out := s.exchange(try, m.Disclosure, to, req)
	if out.State != Delivered && ctx.Err() != nil {
		return Outcome{State: Retry, Why: Stopped, Status: out.Status}
	}
	return out
}

// request makes the signed request; the connection comes later.
func (s *Sender) request(u *url.URL, hook Hook, m Message, body []byte) (*http.Request, Why) {
	kind, params, ok := mediaType(m.Type)
	if !ok || m.ID.IsZero() {
		return nil, MessageInvalid
	}
	signed, err := Sign(m.ID.Token(messagePrefix), s.now(), body, hook.Keys...)
	if err != nil {
		return nil, MessageInvalid
	}
	req := &http.Request{
		Method: http.MethodPost, URL: u, Host: u.Host, Header: signed,
		Body: http.NoBody, ContentLength: int64(len(body)),
	}
	if len(body) > 0 {
		req.Body = io.NopCloser(bytes.NewReader(body))
	}
	req.Header.Set("Content-Type", mime.FormatMediaType(kind, params))
	req.Header.Set("User-Agent", "Thimble")
	return req, ""
}

// exchange is one connection, one request and one answer, which is judged.
func (s *Sender) exchange(ctx context.Context, disclosure thimble.ID, to place, req *http.Request) Outcome {
	return s.roundTrip(ctx, disclosure, to, req, func(res *http.Response) Outcome { return s.judge(ctx, res) })
}

// roundTrip is one connection and one request, with what reads the answer.
func (s *Sender) roundTrip(ctx context.Context, disclosure thimble.ID, to place, req *http.Request, read func(*http.Response) Outcome) Outcome {
	conn, why := s.dial(ctx, disclosure, to)
	if why == AddressForbidden {
		return permanent(why)
	} else if why != "" {
		return retry(why)
	}
	defer conn.Close()
	seen := &watched{Conn: conn}
	if to.tls {
		secure, why := s.encrypt(ctx, conn, to, "http/1.1")
		if why != "" {
			return retry(why)
		}
		seen.Conn = secure
	}
	res, err := transport(seen).RoundTrip(req.WithContext(ctx))
	if err != nil {
		return retry(noAnswer(ctx, seen, err))
	}
	defer res.Body.Close()
	return read(res)
}

// transport carries one request over the connection that was judged, and cannot make
// another. RoundTrip, unlike a client, follows no redirect and keeps no cookie.
func transport(conn net.Conn) *http.Transport {
	given := false
	give := func(context.Context, string, string) (net.Conn, error) {
		if given {
			return nil, errForbidden
		}
		given = true
		return conn, nil
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		DialContext: give, DialTLSContext: give, Proxy: nil, Protocols: protocols,
		DisableKeepAlives: true, DisableCompression: true, MaxResponseHeaderBytes: maxHeaders,
	}
}

// noAnswer names why there is no answer, from what was seen on the connection: the
// texts of errors may repeat what the other side sent.
func noAnswer(ctx context.Context, seen *watched, err error) Why {
	switch got := seen.got.Load(); {
	case errors.Is(err, errNotRecorded):
		return NotRecorded
	case ctx.Err() != nil && got == 0:
		return NoAnswer
	case ctx.Err() != nil:
		return AnswerSlow
	case got >= maxHeaders:
		return HeadersTooLarge
	case gone(err), seen.ended.Load():
		return AnswerCut
	}
	return AnswerInvalid
}

// judge turns an answer into an outcome. It reads no bodies of refusals.
func (s *Sender) judge(ctx context.Context, res *http.Response) Outcome {
	out := Outcome{Status: res.StatusCode}
	switch code := res.StatusCode; {
	case code >= 200 && code < 300:
		return acknowledged(ctx, res)
	case code >= 300 && code < 400:
		out.State, out.Why = Permanent, Redirected
	case code == http.StatusGone:
		out.State, out.Why = Permanent, Gone
	case code == http.StatusBadRequest, code == http.StatusRequestEntityTooLarge, code == http.StatusRequestURITooLong,
		code == http.StatusUnsupportedMediaType, code == http.StatusUnprocessableEntity:
		out.State, out.Why = Permanent, Refused
	case code == http.StatusTooManyRequests, code == http.StatusServiceUnavailable:
		out.State, out.Why, out.After = Retry, Busy, retryAfter(res.Header.Get("Retry-After"), s.now())
	default:
		out.State, out.Why, out.After = Retry, Failing, retryAfter(res.Header.Get("Retry-After"), s.now())
	}
	return out
}

// acknowledged reads a 2xx answer to its end. One that does not come to it counts as none:
// the recipient takes the message once by its id, so trying again is harmless.
func acknowledged(ctx context.Context, res *http.Response) Outcome {
	out := Outcome{State: Delivered, Status: res.StatusCode}
	if res.ContentLength > maxAnswer {
		out.Why = AnswerTooLarge
		return out
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case err != nil && ctx.Err() != nil:
		return Outcome{State: Retry, Why: AnswerSlow, Status: res.StatusCode}
	case err != nil:
		return Outcome{State: Retry, Why: AnswerCut, Status: res.StatusCode}
	case len(body) > maxAnswer:
		out.Why = AnswerTooLarge
	case len(body) == 0:
	case json.Valid(body):
		out.Ack = thimble.Hide(json.RawMessage(body))
	case isJSON(res.Header.Get("Content-Type")):
		out.Why = AnswerNotJSON
	}
	return out
}

func isJSON(header string) bool {
	kind, _, _ := mime.ParseMediaType(header)
	return kind == "application/json" || strings.HasSuffix(kind, "+json")
}

// retryAfter reads seconds or a date (RFC 9110 §10.2.3), at most a day; 0 for anything else.
func retryAfter(header string, now time.Time) time.Duration {
	if n, err := strconv.ParseUint(header, 10, 31); err == nil {
		return min(time.Duration(n)*time.Second, maxAfter)
	}
	if at, err := http.ParseTime(header); err == nil {
		return min(max(at.Sub(now), 0), maxAfter)
	}
	return 0
}
