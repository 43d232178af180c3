// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright (c) kafkaops.kubernetes contributors
// GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.cert.X509Certificate;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLException;
import javax.net.ssl.TrustManagerFactory;

/**
 * The real judge for certificates: Kafka's {@code DefaultSslEngineFactory} with PEM stores, and a handshake in memory.
 *
 * <p>One question per line, fields percent-encoded and separated by tabs: chain, key, password of the key ({@code -} for
 * none), authority, the name that the client comes by, and {@code 1} where the client shows the same certificate, as
 * brokers do among themselves. Answers: {@code 1 TAB principal of the server}, or
 * {@code 0 TAB configure|handshake TAB exception TAB message}. Nothing is opened on a network.
 */
public final class TlsJudge {
    private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);
    private static final int LARGE = 1 << 17;

    private TlsJudge() {
    }

    public static void main(String[] args) throws Exception {
        PrintStream answers = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        System.setOut(System.err);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] fields = line.split("\t", -1);
            for (int index = 0; index < fields.length; index++) {
                fields[index] = URLDecoder.decode(fields[index], StandardCharsets.UTF_8);
            }
            answers.println(answer(fields[0], fields[1], fields[2], fields[3], fields[4], fields[5].equals("1")));
            if (!in.ready()) {
                answers.flush();
            }
        }
        answers.flush();
    }

    private static String answer(String chain, String key, String password, String authority, String name, boolean mutual)
            throws Exception {
        Object server;
        Object client;
        try {
            server = factory(chain, key, password, authority, mutual);
            client = mutual ? server : factory(null, null, "-", authority, false);
        } catch (Throwable refusal) {
            return refused("configure", refusal);
        }
        try {
            SSLEngine clientEngine = (SSLEngine) client.getClass()
                .getMethod("createClientSslEngine", String.class, int.class, String.class).invoke(client, name, 9093, "HTTPS");
            SSLEngine serverEngine = (SSLEngine) server.getClass()
                .getMethod("createServerSslEngine", String.class, int.class).invoke(server, name, 9093);
            handshake(clientEngine, serverEngine);
            X509Certificate shown = (X509Certificate) clientEngine.getSession().getPeerCertificates()[0];
            return "1\t" + encode(shown.getSubjectX500Principal().getName());
        } catch (Throwable refusal) {
            return refused("handshake", refusal);
        }
    }

    private static Object factory(String chain, String key, String password, String authority, boolean mutual) throws Exception {
        Map<String, Object> configs = new HashMap<>();
        configs.put("ssl.protocol", "TLSv1.3");
        configs.put("ssl.enabled.protocols", List.of("TLSv1.2", "TLSv1.3"));
        configs.put("ssl.cipher.suites", List.of());
        configs.put("ssl.client.auth", mutual ? "required" : "none");
        configs.put("ssl.keymanager.algorithm", KeyManagerFactory.getDefaultAlgorithm());
        configs.put("ssl.trustmanager.algorithm", TrustManagerFactory.getDefaultAlgorithm());
        configs.put("ssl.truststore.type", "PEM");
        configs.put("ssl.truststore.certificates", secret(authority));
        if (chain != null) {
            configs.put("ssl.keystore.type", "PEM");
            configs.put("ssl.keystore.certificate.chain", secret(chain));
            configs.put("ssl.keystore.key", secret(key));
            if (!password.equals("-")) {
                configs.put("ssl.key.password", secret(password));
            }
        }
        Object factory = Class.forName("org.apache.kafka.common.security.ssl.DefaultSslEngineFactory").getConstructor().newInstance();
        factory.getClass().getMethod("configure", Map.class).invoke(factory, configs);
        return factory;
    }

    private static Object secret(String text) throws Exception {
        return Class.forName("org.apache.kafka.common.config.types.Password").getConstructor(String.class).newInstance(text);
    }

    private static void handshake(SSLEngine client, SSLEngine server) throws SSLException {
        client.setUseClientMode(true);
        client.beginHandshake();
        server.beginHandshake();
        ByteBuffer toServer = ByteBuffer.allocate(LARGE);
        ByteBuffer toClient = ByteBuffer.allocate(LARGE);
        // A round in which neither side does anything is the end.
        while (step(client, toClient, toServer) | step(server, toServer, toClient)) {
            continue;
        }
        if (client.getHandshakeStatus() != HandshakeStatus.NOT_HANDSHAKING || server.getHandshakeStatus() != HandshakeStatus.NOT_HANDSHAKING) {
            throw new SSLException("the handshake came to no end");
        }
    }

    private static boolean step(SSLEngine engine, ByteBuffer in, ByteBuffer out) throws SSLException {
        switch (engine.getHandshakeStatus()) {
            case NEED_TASK:
                engine.getDelegatedTask().run();
                return true;
            case NEED_WRAP:
                return engine.wrap(NOTHING, out).bytesProduced() > 0;
            default:
                in.flip();
                try {
                    return in.hasRemaining() && engine.unwrap(in, ByteBuffer.allocate(LARGE)).bytesConsumed() > 0;
                } finally {
                    in.compact();
                }
        }
    }

    private static String refused(String stage, Throwable refusal) {
        Throwable cause = refusal instanceof InvocationTargetException ? refusal.getCause() : refusal;
        StringBuilder joined = new StringBuilder();
        for (Throwable each = cause; each != null; each = each.getCause()) {
            joined.append(joined.length() == 0 ? "" : ": ").append(each.getMessage());
        }
        return String.join("\t", "0", stage, encode(cause.getClass().getSimpleName()), encode(joined.toString()));
    }

    private static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }
}
