package app

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"time"

	"thimble/internal/job"
	"thimble/internal/recommend/device"
	"thimble/internal/recommend/devicedb"
	"thimble/internal/recommend/deviceweb"
	"thimble/internal/registry"
	"thimble/internal/web"
)

// DeviceJob is the kind of the job that destroys files for browsers that have run out.
const DeviceJob = "recommend.device"

var deviceSchedule = job.Schedule{Name: DeviceJob, Kind: DeviceJob, Every: time.Hour, Jitter: 5 * time.Minute}

// openDevice makes the desk of the files that browsers rank from.
func (a *App) openDevice() {
	now := a.Config.clock()
	a.Device = devicedb.NewDesk(devicedb.Deps{
		Store: devicedb.New(a.Core, a.Ledger, now), Catalog: a.Catalog, People: a.Shop, Secret: a.deviceSecret, Alike: device.Alike,
		Chance: rand.Reader, Now: now, Log: a.Log,
	})
}

// deviceSecret is the secret of which the key of those files is made.
func (a *App) deviceSecret(ctx context.Context, name string) ([]byte, error) {
	return a.Vault.Secret(ctx, name, registry.SeedSize)
}

func (a *App) expireDevice(ctx context.Context, _ job.Job) error {
	n, err := a.Device.Expire(ctx)
	if n > 0 {
		a.Log.InfoContext(ctx, "files for browsers have run out", slog.Int64("files", n))
	}
	return err
}

// mountDevice mounts what browsers fetch to rank by themselves.
func (d *doors) mountDevice(_ context.Context, mux *http.ServeMux) error {
	mux.Handle("GET "+deviceweb.ModelPath, deviceweb.Serve(d.Device))
	return nil
}

func (d *doors) deviceSection() (web.Section, error) {
	return deviceweb.Console(d.kit, d.Device, d.Config.BaseURL(), d.Config.clock())
}
