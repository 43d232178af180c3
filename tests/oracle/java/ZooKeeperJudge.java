// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright (c) kafkaops.kubernetes contributors
// GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import org.apache.zookeeper.client.ConnectStringParser;
import org.apache.zookeeper.client.StaticHostProvider;
import org.apache.zookeeper.server.quorum.QuorumPeerConfig;

/**
 * The real judge for ZooKeeper: {@code QuorumPeerConfig} for servers, {@code ConnectStringParser} for clients.
 *
 * <p>One question per line, fields percent-encoded and separated by tabs: {@code server FILE MYID}, where {@code FILE} has
 * {@code @DATA@} for the data directory and {@code MYID} is {@code -} for no such file; or {@code connect TEXT}.
 * Answers: {@code 1}, {@code 1 TAB result} or {@code 0 TAB exception TAB message}.
 */
public final class ZooKeeperJudge {
    private ZooKeeperJudge() {
    }

    public static void main(String[] args) throws Exception {
        PrintStream answers = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        System.setOut(System.err);
        Properties untouched = (Properties) System.getProperties().clone();
        Path scratch = Files.createTempDirectory("zookeeper-judge");
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] fields = line.split("\t", -1);
            for (int index = 0; index < fields.length; index++) {
                fields[index] = URLDecoder.decode(fields[index], StandardCharsets.UTF_8);
            }
            String answer;
            try {
                answer = fields[0].equals("server") ? server(scratch, fields[1], fields[2]) : connect(fields[1]);
            } catch (Throwable refusal) {
                answer = "0\t" + encode(refusal.getClass().getSimpleName()) + "\t" + encode(messages(refusal));
            }
            // Unknown keys become system properties; the next file must not see them.
            System.setProperties((Properties) untouched.clone());
            answers.println(answer);
            if (!in.ready()) {
                answers.flush();
            }
        }
        answers.flush();
        Files.deleteIfExists(scratch.resolve("zoo.cfg"));
        Files.deleteIfExists(scratch.resolve("myid"));
        Files.deleteIfExists(scratch);
    }

    private static String server(Path scratch, String text, String myid) throws Exception {
        Path file = scratch.resolve("zoo.cfg");
        Files.writeString(file, text.replace("@DATA@", scratch.toString()));
        Files.deleteIfExists(scratch.resolve("myid"));
        if (!myid.equals("-")) {
            Files.writeString(scratch.resolve("myid"), myid);
        }
        // Static, and it stays as the last file has set it.
        QuorumPeerConfig.setStandaloneEnabled(true);
        QuorumPeerConfig.setReconfigEnabled(false);
        new QuorumPeerConfig().parse(file.toString());
        return "1";
    }

    private static String connect(String text) {
        ConnectStringParser parser = new ConnectStringParser(text);
        List<String> hosts = new ArrayList<>();
        for (InetSocketAddress address : parser.getServerAddresses()) {
            hosts.add(address.getHostString() + ":" + address.getPort());
        }
        new StaticHostProvider(parser.getServerAddresses());
        return "1\t" + encode("hosts=" + hosts + " chroot=" + parser.getChrootPath());
    }

    private static String messages(Throwable refusal) {
        StringBuilder joined = new StringBuilder();
        for (Throwable each = refusal; each != null; each = each.getCause()) {
            joined.append(joined.length() == 0 ? "" : ": ").append(each.getMessage());
        }
        return joined.toString();
    }

    private static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }
}
