// Command probe is the lab's application in Nextcloud's place: it keeps what it is given in MariaDB, counts in Redis,
// serves a page and Nextcloud's status, and says how many writes it has acknowledged.
//
// It takes the environment of Nextcloud's image (MYSQL_*, REDIS_HOST, REDIS_HOST_PASSWORD, NEXTCLOUD_DATA_DIR).
package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/redis/go-redis/v9"
)

const (
	deadline = 5 * time.Second
	counter  = "probe:acknowledged"
	table    = "CREATE TABLE IF NOT EXISTS written (id BIGINT AUTO_INCREMENT PRIMARY KEY, word VARCHAR(190) NOT NULL, UNIQUE (word))"
)

type probe struct {
	database *sql.DB
	cache    *redis.Client
	folder   string
}

func main() {
	settings := mysql.NewConfig()
	settings.Net, settings.Addr = "tcp", withPort(os.Getenv("MYSQL_HOST"), "3306")
	settings.User, settings.DBName = os.Getenv("MYSQL_USER"), os.Getenv("MYSQL_DATABASE")
	settings.Passwd = secret("MYSQL_PASSWORD")
	settings.Timeout, settings.ReadTimeout, settings.WriteTimeout = deadline, deadline, deadline
	connector, err := mysql.NewConnector(settings)
	if err != nil {
		log.Fatal(err)
	}
	one := &probe{database: sql.OpenDB(connector), folder: os.Getenv("NEXTCLOUD_DATA_DIR")}
	one.database.SetConnMaxLifetime(time.Minute)
	one.cache = redis.NewClient(&redis.Options{
		Addr: withPort(os.Getenv("REDIS_HOST"), "6379"), Password: secret("REDIS_HOST_PASSWORD"), DialTimeout: deadline,
	})
	pages := http.NewServeMux()
	pages.HandleFunc("GET /status.php", one.status)
	pages.HandleFunc("GET /{$}", one.page)
	pages.HandleFunc("GET /count", one.count)
	pages.HandleFunc("POST /write", one.write)
	pages.HandleFunc("GET /healthz", func(answer http.ResponseWriter, _ *http.Request) { fmt.Fprintln(answer, "ok") })
	server := &http.Server{Addr: ":80", Handler: pages, ReadHeaderTimeout: deadline}
	log.Print("probe: the lab's application, not Nextcloud; it listens on port 80")
	log.Fatal(server.ListenAndServe())
}

// status answers as Nextcloud's status.php does; the version says that this is not it.
func (p *probe) status(answer http.ResponseWriter, request *http.Request) {
	ctx, cancel := context.WithTimeout(request.Context(), deadline)
	defer cancel()
	if _, err := p.database.ExecContext(ctx, table); err != nil {
		fail(answer, err)
		return
	}
	tell(answer, map[string]any{
		"installed": true, "maintenance": false, "needsDbUpgrade": false, "version": "0.0.0.1",
		"versionstring": "0.0.0 lab probe", "edition": "", "productname": "Homelab lab probe", "extendedSupport": false,
	})
}

func (p *probe) page(answer http.ResponseWriter, _ *http.Request) {
	host, _ := os.Hostname()
	answer.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(answer, "<!doctype html><title>Lab probe</title><h1>Lab probe</h1><p>Served by %s.</p>\n", host)
}

// write keeps a word; only what the database has committed and the folder holds is acknowledged. A word may be sent
// again by one who got no answer: it is kept once.
func (p *probe) write(answer http.ResponseWriter, request *http.Request) {
	ctx, cancel := context.WithTimeout(request.Context(), deadline)
	defer cancel()
	word := request.URL.Query().Get("word")
	if word == "" {
		http.Error(answer, "word is empty", http.StatusBadRequest)
		return
	}
	if _, err := p.database.ExecContext(ctx, table); err != nil {
		fail(answer, err)
		return
	}
	if _, err := p.database.ExecContext(ctx, "INSERT INTO written (word) VALUES (?) ON DUPLICATE KEY UPDATE word = word", word); err != nil {
		fail(answer, err)
		return
	}
	if err := p.keep(word); err != nil {
		fail(answer, err)
		return
	}
	seen, err := p.cache.Incr(ctx, counter).Result()
	if err != nil {
		seen = -1 // a cache that is away takes nothing from what was acknowledged
	}
	tell(answer, map[string]any{"word": word, "acknowledged": true, "cached": seen})
}

// keep adds the word to the file on the application's own volume.
func (p *probe) keep(word string) error {
	if p.folder == "" {
		return nil
	}
	file, err := os.OpenFile(filepath.Join(p.folder, "written"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := fmt.Fprintln(file, word); err != nil {
		return err
	}
	return file.Sync()
}

// count says how many words the database holds and what Redis remembers.
func (p *probe) count(answer http.ResponseWriter, request *http.Request) {
	ctx, cancel := context.WithTimeout(request.Context(), deadline)
	defer cancel()
	var rows int64
	if err := p.database.QueryRowContext(ctx, "SELECT COUNT(*) FROM written").Scan(&rows); err != nil {
		fail(answer, err)
		return
	}
	cached, err := p.cache.Get(ctx, counter).Int64()
	if err != nil {
		cached = -1
	}
	tell(answer, map[string]any{"written": rows, "cached": cached})
}

func tell(answer http.ResponseWriter, what map[string]any) {
	answer.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(answer).Encode(what)
}

func fail(answer http.ResponseWriter, err error) {
	log.Print(err)
	http.Error(answer, err.Error(), http.StatusServiceUnavailable)
}

// secret is a value of the environment, or of the file that NAME_FILE names.
func secret(name string) string {
	if place := os.Getenv(name + "_FILE"); place != "" {
		content, err := os.ReadFile(place)
		if err != nil {
			log.Fatal(err)
		}
		return string(content)
	}
	return os.Getenv(name)
}

func withPort(host, port string) string {
	for _, letter := range host {
		if letter == ':' {
			return host
		}
	}
	return host + ":" + port
}
