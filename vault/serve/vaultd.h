/* vaultd.h - the vault role: serves vault.h to the ingest workers and forward over inherited
 * seqpacket channels, and to people over STATE/control.sock, whose Unix credentials say
 * which roles they may act in.
 *
 * Started after the process is confined. It needs: the state directory as working
 * directory, file I/O below it, threads (RocksDB makes some), no network. */
#ifndef CPNI_SERVE_VAULTD_H
#define CPNI_SERVE_VAULTD_H

#include "vault/local.h"

enum {
    VAULTD_CHANNELS_MAX = 32,
    VAULTD_GRANTS_MAX = 32,
    /* Of control.sock. People and tools have one each; 32 of one user are a script that went
     * wild, and it takes eight such users to keep the others out (I10). */
    VAULTD_CLIENTS_MAX = 256,
    VAULTD_CLIENTS_A_USER_MAX = 32,
    VAULTD_EXIT_REFUSED = 78
};

/* Who may act as what. */
struct vaultd_grant {
    bool group; /* id is a gid, of the peer's primary or supplementary groups */
    uint32_t id;
    role_set roles;
};

struct vaultd_options {
    struct vault_options vault;
    int ingest_fd[VAULTD_CHANNELS_MAX]; /* the vault's ends of the channels; taken */
    size_t ingest_count;
    int forward_fd; /* -1 = none */
    int control_fd; /* listening; -1 = none */
    struct vaultd_grant grant[VAULTD_GRANTS_MAX];
    size_t grants_count;
    int ready_fd; /* one byte is written when the vault serves; -1 = nobody asks */
};

/* Serves until SIGTERM: 0, checkpointed. 78: the vault is damaged, cut, of another version or
 * its keys do not fit; starting again would not help, stderr says what to do. 1: the disk
 * failed, or something else while it served; starting again recovers what was acknowledged. */
int vaultd_run(const struct vaultd_options *o);

#endif
