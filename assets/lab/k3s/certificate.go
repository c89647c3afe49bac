package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/urfave/cli/v2"
	"k8s.io/client-go/util/cert"
)

func certificateCommand() *cli.Command {
	folder := &cli.StringFlag{Name: "data-dir", Aliases: []string{"d"}, EnvVars: []string{"K3S_DATA_DIR"}, Value: dataDir(), Usage: "Folder of the state"}
	return &cli.Command{
		Name: "certificate", Usage: "Manage K3s certificates",
		Subcommands: []*cli.Command{
			{Name: "rotate", Usage: "Make certificates anew at the next start; K3s must be stopped", Flags: []cli.Flag{folder}, Action: rotate},
			{Name: "check", Usage: "Tell when certificates end", Flags: []cli.Flag{folder}, Action: check},
		},
	}
}

// leaves are certificates that are not an authority, with the folders they lie in.
func leaves(data string) []string {
	var found []string
	for _, folder := range []string{"server/tls", "agent"} {
		files, _ := filepath.Glob(filepath.Join(data, folder, "*.crt"))
		for _, path := range files {
			if !strings.HasSuffix(path, "-ca.crt") {
				found = append(found, path)
			}
		}
	}
	return found
}

// rotate sets the certificates aside, for the next start to make them anew; authorities and their keys stay.
func rotate(c *cli.Context) error {
	data := c.String("data-dir")
	aside := filepath.Join(data, "server", fmt.Sprintf("tls-%d", time.Now().Unix()))
	for _, path := range leaves(data) {
		key := strings.TrimSuffix(path, ".crt") + ".key"
		for _, file := range []string{path, key} {
			target := filepath.Join(aside, filepath.Base(filepath.Dir(file)), filepath.Base(file))
			if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
				return err
			}
			if err := os.Rename(file, target); err != nil && !os.IsNotExist(err) {
				return err
			}
		}
	}
	logrus.Infof("Certificates backed up to %s", aside)
	logrus.Info("Successfully rotated certificates for all services, please restart k3s server or agent to rotate certificates")
	return nil
}

func check(c *cli.Context) error {
	for _, path := range leaves(c.String("data-dir")) {
		certificates, err := cert.CertsFromFile(path)
		if err != nil {
			return err
		}
		fmt.Printf("%s: %s: certificate CN=%s is ok, expires at %s\n",
			time.Now().UTC().Format(time.RFC3339), path, certificates[0].Subject.CommonName, certificates[0].NotAfter.Format(time.RFC3339))
	}
	return nil
}
