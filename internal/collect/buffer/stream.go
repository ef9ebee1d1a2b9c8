package buffer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"thimble"
)

const (
	streamName   = "THIMBLE_EVENTS"
	progressName = "THIMBLE_ARCHIVED"

	eventSubjects    = "thimble.events.*"
	progressSubjects = "thimble.archived.*.*"
	moreSubject      = "buffer.more"
)

func eventSubject(node string) string { return "thimble.events." + node }

func spoolSubject(node string) string { return "thimble.spool." + node }

func progressSubject(r runKey) string { return "thimble.archived." + r.node + "." + formatRun(r.run) }

// repeatWindow is JetStream's own: it spares most repeats, and decides nothing.
const repeatWindow = 2 * time.Minute

func streams(cfg Config) []jetstream.StreamConfig {
	common := jetstream.StreamConfig{Replicas: Nodes, Storage: jetstream.FileStorage, Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardNew, DenyDelete: true}
	events, archived := common, common
	events.Name, events.Subjects = streamName, []string{eventSubjects}
	events.MaxBytes, events.MaxMsgSize, events.Duplicates = cfg.MaxBytes, maxMessage, repeatWindow
	// Any node hands out messages: one that another has damaged is had from the third.
	events.AllowDirect = true
	archived.Name, archived.Subjects = progressName, []string{progressSubjects}
	archived.Discard, archived.MaxMsgsPerSubject, archived.MaxBytes = jetstream.DiscardOld, 1, 16<<20
	return []jetstream.StreamConfig{events, archived}
}

// ensure makes the streams that are missing. It makes one only when the cluster has
// said that there is none; what was in one that is gone is in the spools.
func (c *cluster) ensure(ctx context.Context) error {
	for _, cfg := range streams(c.cfg) {
		s, err := c.js.Stream(ctx, cfg.Name)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			s, err = c.js.CreateStream(ctx, cfg)
		}
		if err != nil {
			return fmt.Errorf("buffer: stream %s: %w", cfg.Name, err)
		}
		is := s.CachedInfo().Config
		if is.Replicas != Nodes || is.Storage != jetstream.FileStorage || is.Retention != jetstream.LimitsPolicy {
			return fmt.Errorf("buffer: stream %s is not the one that this program makes: %w", cfg.Name, thimble.ErrConflict)
		}
		if is.MaxBytes != cfg.MaxBytes {
			if _, err := c.js.UpdateStream(ctx, cfg); err != nil {
				return fmt.Errorf("buffer: stream %s: %w", cfg.Name, err)
			}
		}
	}
	return nil
}

// last returns the number of this node's newest message in the stream, of whatever run.
func (c *cluster) last(ctx context.Context) (m message, found bool, err error) {
	raw, err := c.leaderLast(ctx, streamName, eventSubject(c.cfg.Node))
	if err != nil || raw == nil {
		return message{}, false, err
	}
	m, found = readMessage(raw.Header, raw.Data)
	return m, found, nil
}

// A stored is a message as the leader of a stream answers with it.
type stored struct {
	Message *struct {
		Seq  uint64 `json:"seq"`
		Hdrs []byte `json:"hdrs"`
		Data []byte `json:"data"`
	} `json:"message"`
	Error *jetstream.APIError `json:"error"`
}

// leaderLast returns the newest message of a subject, nil when there is none. It asks
// the leader: another member may lag behind, and what it does not have yet is not lost.
func (c *cluster) leaderLast(ctx context.Context, stream, subject string) (*jetstream.RawStreamMsg, error) {
	ask, err := json.Marshal(map[string]string{"last_by_subj": subject})
	if err != nil {
		return nil, err
	}
	answer, err := c.nc.RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET."+stream, ask)
	if err != nil {
		return nil, fmt.Errorf("buffer: asking the leader of %s: %w", stream, err)
	}
	var is stored
	if err := json.Unmarshal(answer.Data, &is); err != nil {
		return nil, fmt.Errorf("buffer: the answer of the leader of %s: %w", stream, err)
	}
	if is.Error != nil {
		if is.Error.ErrorCode == jetstream.JSErrCodeMessageNotFound {
			return nil, nil
		}
		return nil, fmt.Errorf("buffer: the leader of %s: %w", stream, is.Error)
	}
	if is.Message == nil {
		return nil, fmt.Errorf("buffer: the leader of %s says nothing: %w", stream, thimble.ErrUnavailable)
	}
	raw := &jetstream.RawStreamMsg{Subject: subject, Sequence: is.Message.Seq, Data: is.Message.Data}
	if len(is.Message.Hdrs) > 0 {
		raw.Header, err = nats.DecodeHeadersMsg(is.Message.Hdrs)
	}
	return raw, err
}

// progressOf returns what of a run is archived, as of the place in the stream.
func (c *cluster) progressOf(ctx context.Context, r runKey) (p progress, rev uint64, err error) {
	raw, err := c.leaderLast(ctx, progressName, progressSubject(r))
	if err != nil || raw == nil {
		return progress{}, 0, err
	}
	p, err = decodeProgress(raw.Data)
	return p, raw.Sequence, err
}

// putProgress writes what of a run is archived, if nobody else has since rev.
func (c *cluster) putProgress(ctx context.Context, r runKey, p *progress, rev uint64) (uint64, error) {
	ack, err := c.js.Publish(ctx, progressSubject(r), p.encode(), jetstream.WithExpectStream(progressName), jetstream.WithExpectLastSequencePerSubject(rev), jetstream.WithRetryAttempts(0))
	if err != nil {
		return 0, fmt.Errorf("buffer: writing what is archived: %w", err)
	}
	return ack.Sequence, nil
}
