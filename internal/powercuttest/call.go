package powercuttest

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// A call is one finished system call as strace -xx prints it.
type call struct {
	name         string
	args         []string
	ret          int64
	began, ended int
}

// A lineReader joins what strace tore apart: calls during which another thread
// called.
type lineReader struct {
	line int
	open map[string]unfinished // by thread
}

type unfinished struct {
	text  string
	began int
}

const (
	tornHead = " <unfinished ...>"
	tornTail = " resumed>"
)

// read returns the call that a line finishes, if it does.
func (l *lineReader) read(line string) (call, bool, error) {
	l.line++
	line = strings.TrimRight(line, "\n")
	thread, text, ok := strings.Cut(strings.TrimLeft(line, " "), " ")
	if _, err := strconv.Atoi(thread); !ok || err != nil {
		return call{}, false, l.errorf("no number of a thread")
	}
	text = strings.TrimLeft(text, " ")
	began := l.line
	switch {
	case strings.HasPrefix(text, "+++"), strings.HasPrefix(text, "---"):
		return call{}, false, nil
	case strings.HasSuffix(text, tornHead):
		l.open[thread] = unfinished{strings.TrimSuffix(text, tornHead), began}
		return call{}, false, nil
	case strings.HasPrefix(text, "<... "):
		head, ok := l.open[thread]
		_, tail, found := strings.Cut(text, tornTail)
		if !ok || !found {
			return call{}, false, l.errorf("the end of a call without its beginning")
		}
		delete(l.open, thread)
		text, began = head.text+tail, head.began
	}
	c, err := parseCall(text)
	if err != nil {
		return call{}, false, l.errorf("%v", err)
	}
	c.began, c.ended = began, l.line
	return c, true, nil
}

func (l *lineReader) errorf(format string, args ...any) error {
	return fmt.Errorf("powercuttest: line %d of the trace: "+format, append([]any{l.line}, args...)...)
}

// parseCall reads name(arg, arg) = result.
func parseCall(text string) (call, error) {
	name, rest, ok := strings.Cut(text, "(")
	if !ok || name == "" {
		return call{}, fmt.Errorf("this is no call")
	}
	args, rest, err := splitArgs(rest)
	if err != nil {
		return call{}, err
	}
	_, rest, ok = strings.Cut(rest, "= ")
	if !ok {
		return call{}, fmt.Errorf("%s has no result", name)
	}
	c := call{name: name, args: args, ret: -1}
	if rest = strings.TrimSpace(rest); strings.HasPrefix(rest, "?") {
		return c, nil // the process died in it
	}
	if i := strings.IndexAny(rest, " <"); i >= 0 {
		rest = rest[:i]
	}
	if c.ret, err = strconv.ParseInt(rest, 10, 64); err != nil {
		return call{}, fmt.Errorf("%s has a result that is no number", name)
	}
	return c, nil
}

// splitArgs cuts arguments at their commas and returns what follows the closing
// bracket. Under -xx no quoted text and no path holds a bracket, quote or comma.
func splitArgs(text string) (args []string, rest string, err error) {
	from, depth := 0, 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"', '<':
			end := byte('"')
			if text[i] == '<' {
				end = '>'
			}
			n := strings.IndexByte(text[i+1:], end)
			if n < 0 {
				return nil, "", fmt.Errorf("a text does not end")
			}
			i += n + 1
		case '[', '{', '(':
			depth++
		case ']', '}':
			depth--
		case ',':
			if depth == 0 {
				args, from = append(args, strings.TrimSpace(text[from:i])), i+1
			}
		case ')':
			if depth == 0 {
				return append(args, strings.TrimSpace(text[from:i])), text[i+1:], nil
			}
			depth--
		}
	}
	return nil, "", fmt.Errorf("the arguments do not end")
}

// unquote returns the bytes of a quoted text.
func unquote(arg string) ([]byte, error) {
	if strings.HasSuffix(arg, `"...`) {
		return nil, fmt.Errorf("strace cut a text off: -s was too small")
	}
	if len(arg) < 2 || arg[0] != '"' || arg[len(arg)-1] != '"' {
		return nil, fmt.Errorf("a quoted text was expected")
	}
	return unescape(arg[1 : len(arg)-1])
}

// unescape reads \x and two digits for each byte; other signs stand for themselves.
func unescape(text string) ([]byte, error) {
	out := make([]byte, 0, len(text)/4+1)
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			out = append(out, text[i])
			continue
		}
		if i+3 >= len(text) || text[i+1] != 'x' {
			return nil, fmt.Errorf("an escape that is not \\x and two digits")
		}
		var err error
		if out, err = hex.AppendDecode(out, []byte(text[i+2:i+4])); err != nil {
			return nil, err
		}
		i += 3
	}
	return out, nil
}

// descriptor reads 7</path>, or AT_FDCWD</path> as number -1.
func descriptor(arg string) (number int, path string, err error) {
	text, tail, _ := strings.Cut(arg, "<")
	number = -1
	if text != "AT_FDCWD" {
		if number, err = strconv.Atoi(text); err != nil {
			return 0, "", fmt.Errorf("a descriptor was expected")
		}
	}
	tail, _, _ = strings.Cut(tail, ">")
	b, err := unescape(tail)
	return number, string(b), err
}

// vector returns the bytes of the buffers of writev.
func vector(arg string) (all []byte, err error) {
	for rest := arg; ; {
		_, tail, ok := strings.Cut(rest, "iov_base=")
		if !ok {
			return all, nil
		}
		end := strings.Index(tail, ", iov_len=")
		if end < 0 {
			return nil, fmt.Errorf("a buffer without a length")
		}
		b, err := unquote(tail[:end])
		if err != nil {
			return nil, err
		}
		all, rest = append(all, b...), tail[end:]
	}
}
