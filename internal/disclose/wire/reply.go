package wire

import (
	"bufio"
	"errors"
	"strings"
)

// Bounds of a reply. RFC 5321 §4.5.3.1.5 has 512 bytes per line, and servers exceed it.
const (
	maxReplyLine  = 2048
	maxReplyLines = 128
)

var errReply = errors.New("wire: not a reply of SMTP")

// A reply is a code and its lines. The lines are read for extensions only.
type reply struct {
	code  int
	lines []string
}

// readReply reads one reply of one or several lines (RFC 5321 §4.2). All lines have the
// same code, from 200 to 599.
func readReply(r *bufio.Reader) (reply, error) {
	var all reply
	for range maxReplyLines {
		line, err := readLine(r)
		if err != nil {
			return reply{}, err
		}
		code, more, text, ok := splitReply(line)
		if !ok || all.code != 0 && code != all.code {
			return reply{}, errReply
		}
		all.code, all.lines = code, append(all.lines, text)
		if !more {
			return all, nil
		}
	}
	return reply{}, errReply
}

func readLine(r *bufio.Reader) (string, error) {
	var line []byte
	for {
		b, err := r.ReadByte()
		switch {
		case err != nil:
			return "", err
		case b == '\n':
			return strings.TrimSuffix(string(line), "\r"), nil
		case len(line) == maxReplyLine:
			return "", errReply
		}
		line = append(line, b)
	}
}

func splitReply(line string) (code int, more bool, text string, ok bool) {
	if len(line) < 3 {
		return 0, false, "", false
	}
	for _, c := range []byte(line[:3]) {
		if c < '0' || c > '9' {
			return 0, false, "", false
		}
		code = 10*code + int(c-'0')
	}
	if code < 200 || code > 599 {
		return 0, false, "", false
	}
	if line = line[3:]; line == "" {
		return code, false, "", true
	}
	return code, line[0] == '-', line[1:], line[0] == '-' || line[0] == ' '
}
