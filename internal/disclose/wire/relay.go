package wire

import (
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"

	"thimble"
)

// A Relay is the mail server that letters are handed to. It prints as host and port.
type Relay struct {
	Host string
	// Port 465 speaks TLS from the first byte; any other must offer STARTTLS, but for
	// loopback endpoints that Config names. 0 means 587.
	Port     uint16
	User     string `json:"-"` // "" means no sign-in
	Password string `json:"-"`
}

// ParseRelay reads smtp://USER:PASSWORD@HOST:PORT, or smtps:// for TLS from the first byte,
// which has port 465. User, password and port may be left out. The error does not repeat
// the text.
func ParseRelay(text string) (Relay, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "smtp" && u.Scheme != "smtps" || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
		return Relay{}, fmt.Errorf("wire: mail server: smtp://USER:PASSWORD@HOST:PORT or smtps://… was expected: %w", thimble.ErrInvalid)
	}
	r := Relay{Host: u.Hostname(), User: u.User.Username(), Port: 587}
	r.Password, _ = u.User.Password()
	if u.Scheme == "smtps" {
		r.Port = 465
	}
	if u.Port() != "" {
		n, err := strconv.ParseUint(u.Port(), 10, 16)
		if err != nil || n == 0 {
			return Relay{}, fmt.Errorf("wire: mail server: a port from 1 to 65535 was expected: %w", thimble.ErrInvalid)
		}
		r.Port = uint16(n)
	}
	if (u.Scheme == "smtps") != (r.Port == 465) {
		return Relay{}, fmt.Errorf("wire: mail server: smtps:// and port 465 go together: %w", thimble.ErrInvalid)
	}
	if (r.User == "") != (r.Password == "") {
		return Relay{}, fmt.Errorf("wire: mail server: user and password go together: %w", thimble.ErrInvalid)
	}
	return r, nil
}

// Format implements fmt.Formatter: neither user nor password is printed.
func (r Relay) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, net.JoinHostPort(r.Host, strconv.Itoa(int(r.Port))))
}

// CheckRelay tells whether letters may be handed to a relay, when it is configured. The
// error is of kind ErrInvalid and names the rule.
func (s *Sender) CheckRelay(r Relay) error {
	_, err := s.relay(r)
	return err
}

func (s *Sender) relay(r Relay) (place, error) {
	if r.Port == 0 {
		r.Port = 587
	}
	to, err := s.place(r.Host, r.Port, mailPorts)
	to.tls = r.Port == 465
	return to, err
}
