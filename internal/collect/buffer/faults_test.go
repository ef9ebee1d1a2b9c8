package buffer

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// rounds is how often a fault happens: few times, and many with THIMBLE_SOAK=1.
func rounds(few, many int) int {
	if os.Getenv("THIMBLE_SOAK") == "1" {
		return many
	}
	return few
}

// seed is printed, and can be given again.
const seed = 7

// busy starts three nodes with two clients each.
func busy(t *testing.T, a Archive, change func(*nodePlan)) *trio {
	t.Helper()
	c := newTrio(t, a, change)
	c.leader()
	for i := range c.nodes {
		c.clients(i, 2*i, 2*i+1)
	}
	c.awaitAcks(60)
	return c
}

func TestKilledNodeLosesNothingAndTheOthersGoOn(t *testing.T) {
	t.Parallel()
	a := newBooks()
	c := busy(t, a, nil)
	chance := rand.New(rand.NewPCG(seed, 1))
	longest := time.Duration(0)
	for round := range rounds(1, 40) {
		victim := chance.IntN(Nodes)
		if round == 0 {
			victim = c.leader() // the worst one
		}
		c.forgetPauses()
		c.kill(victim)
		// Whoever sent to it sends to another node, the same again.
		c.clients((victim+1)%Nodes, 2*victim, 2*victim+1)
		c.awaitAcks(100)
		pause := c.longestPause()
		longest = max(longest, pause)
		c.start(victim)
		c.awaitReady(victim)
		c.awaitAcks(50)
		c.kill((victim + 1) % Nodes) // ends the clients, wherever they are
		c.start((victim + 1) % Nodes)
		c.awaitReady((victim + 1) % Nodes)
		c.clients(victim, 2*victim, 2*victim+1)
		c.clients((victim+1)%Nodes, 2*((victim+1)%Nodes), 2*((victim+1)%Nodes)+1)
		c.awaitAcks(50)
	}
	t.Logf("seed %d: the longest pause after kill -9 of one of three: %v", seed, longest.Round(time.Millisecond))
	c.restartAll()
	c.awaitArchived()
	c.check(a)
}

func TestAllKilledAtOnceLoseNothing(t *testing.T) {
	t.Parallel()
	a := newBooks()
	c := busy(t, a, nil)
	for range rounds(1, 40) {
		c.killAll()
		c.startAll()
		c.awaitAcks(80)
	}
	c.restartAll()
	c.awaitArchived()
	c.check(a)
}

func TestStoppedLeaderThatWakesUpDoublesNothing(t *testing.T) {
	t.Parallel()
	a := newBooks()
	c := busy(t, a, nil)
	for range rounds(1, 20) {
		leader := c.leader()
		sleeper := c.nodes[leader].cmd.Process
		if err := sleeper.Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		// The others elect another, which archives.
		for leads := false; !leads; time.Sleep(200 * time.Millisecond) {
			for i := range c.nodes {
				leads = leads || i != leader && c.state(i).Leading && c.state(i).Archived > 0
			}
		}
		if err := sleeper.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
		c.awaitAcks(60)
	}
	c.restartAll()
	c.awaitArchived()
	c.check(a)
}

func TestArchiveThatWasDownGetsEverythingInTheOrderOfEachNode(t *testing.T) {
	t.Parallel()
	a := newBooks()
	// What goes past the stream has no order; here nothing does.
	c := busy(t, a, func(p *nodePlan) { p.Patience = time.Hour })
	for range rounds(1, 10) {
		c.archive.setDown(true)
		c.awaitAcks(150)
		c.archive.setDown(false)
		c.awaitAcks(20)
	}
	c.restartAll()
	c.awaitArchived()
	c.check(a)
	a.inOrder(t)
}

// inOrder holds that what a client sent later, which was to the same node, is later.
func (a *books) inOrder(t *testing.T) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	last := map[int]int{}
	for _, k := range a.order {
		client, n, _ := whose(k)
		if n < last[client] {
			t.Fatalf("batch %d of client %d is behind batch %d", n, client, last[client])
		}
		last[client] = n
	}
}

// What JetStream stored is damaged on every node, so that no replica helps.
func TestDamagedBlocksAreHadFromTheSpools(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(*rand.Rand, []byte) []byte{
		"flipped bits": func(chance *rand.Rand, b []byte) []byte {
			for range 1 + len(b)/2000 {
				b[chance.IntN(len(b))] ^= 1 << chance.IntN(8)
			}
			return b
		},
		"cut off": func(chance *rand.Rand, b []byte) []byte { return b[:chance.IntN(len(b))] },
	} {
		if name == "cut off" && rounds(0, 1) == 0 {
			continue // half of the cases is enough of every run
		}
		t.Run(name, func(t *testing.T) {
			chance := rand.New(rand.NewPCG(seed, 2))
			a := newBooks()
			c := busy(t, a, nil)
			for round := range rounds(1, 10) {
				c.archive.setDown(true)
				c.awaitAcks(100)
				victims := []int{chance.IntN(Nodes)}
				if round%2 == 0 {
					victims = []int{0, 1, 2}
				}
				c.killAll()
				damaged := 0
				for _, i := range victims {
					damaged += damageBlocks(t, c.plans[i].Folder, func(b []byte) []byte { return damage(chance, b) })
				}
				t.Logf("seed %d: %d block files damaged on %d nodes", seed, damaged, len(victims))
				if damaged == 0 {
					t.Fatal("no block was damaged: the test proves nothing")
				}
				c.startAll()
				c.archive.setDown(false)
				c.awaitAcks(60)
			}
			c.restartAll()
			c.awaitArchived()
			c.check(a)
		})
	}
}

// damageBlocks changes the files in which a node's JetStream keeps events, those of the
// stream and those of its replication log.
func damageBlocks(t *testing.T, folder string, change func([]byte) []byte) (n int) {
	t.Helper()
	for _, path := range blocks(t, folder) {
		if !strings.Contains(path, streamName) && !strings.Contains(path, "S-R3F") {
			continue
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if len(b) == 0 {
			continue
		}
		if err := os.WriteFile(path, change(b), 0o600); err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

func blocks(t *testing.T, folder string) (all []string) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".blk") {
			all = append(all, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// One node has a disk of its own, which fills.
func TestFullDiskOfOneNodeRefusesThereAndRecoversByItself(t *testing.T) {
	t.Parallel()
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=160m"); err != nil {
		t.Skipf("no disk of a size of its own can be had here: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(disk, 0) })
	a := newBooks()
	c := busy(t, a, func(p *nodePlan) {
		if p.Node == "c" {
			p.Folder = filepath.Join(disk, "c")
		}
	})
	ballast := filepath.Join(disk, "ballast")
	for range rounds(1, 10) {
		fill(t, ballast)
		before := c.state(2).Refused
		for until := time.Now().Add(time.Minute); c.state(2).Refused < before+10; time.Sleep(100 * time.Millisecond) {
			if time.Now().After(until) {
				t.Fatal("a node whose disk is full refuses nothing")
			}
		}
		c.awaitAcks(100) // of the others
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
		want := c.batchesOf(4, 5) + 10
		for until := time.Now().Add(time.Minute); c.batchesOf(4, 5) < want; time.Sleep(100 * time.Millisecond) {
			if time.Now().After(until) {
				t.Fatal("a node whose disk has room again takes nothing")
			}
		}
	}
	c.restartAll()
	c.awaitArchived()
	c.check(a)
}

// fill writes until the disk takes no more.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for b := make([]byte, 1<<20); ; {
		n, err := f.Write(b)
		if n == 0 && len(b) == 1 {
			return
		}
		if err != nil {
			b = b[:max(1, len(b)/2)]
		}
	}
}

func TestWhatIsArchivedLeavesEveryDisk(t *testing.T) {
	t.Parallel()
	a := newBooks()
	c := busy(t, a, func(p *nodePlan) { p.Clean = 3 * time.Second })
	c.awaitAcks(100)
	c.restartAll()
	c.awaitArchived()
	left := []string(nil)
	for until := time.Now().Add(90 * time.Second); time.Now().Before(until); time.Sleep(time.Second) {
		if left = c.filesWith(canary); len(left) == 0 {
			return
		}
	}
	t.Errorf("what was archived and trimmed is still in %s", strings.Join(left, ", "))
}

func (c *trio) filesWith(text string) (all []string) {
	for i := range c.plans {
		_ = filepath.WalkDir(c.plans[i].Folder, func(path string, d os.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				if b, err := os.ReadFile(path); err == nil && strings.Contains(string(b), text) {
					all = append(all, fmt.Sprintf("%s (%d)", strings.TrimPrefix(path, c.plans[i].Folder), len(b)))
				}
			}
			return nil
		})
	}
	slices.Sort(all)
	return all
}

func TestWhatThreeNodesTakeIsArchivedOnce(t *testing.T) {
	t.Parallel()
	a := newBooks()
	c := busy(t, a, nil)
	c.awaitAcks(200)
	for i := range c.nodes { // one after the other, as for a new version
		c.stop(i)
		c.start(i)
		c.awaitReady(i)
		c.clients(i, 2*i, 2*i+1)
		c.awaitAcks(20)
	}
	c.restartAll()
	c.awaitArchived()
	c.check(a)
	if len(a.kept) == 0 {
		t.Error("nothing was archived")
	}
}
